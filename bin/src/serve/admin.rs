//! Creates an administrator when no flag says how clients are authenticated: an authority, a certificate, and the
//! kubeconfig that holds it.

use std::path::{Path, PathBuf};

use steersman_io::certificates::{Authority, Missing, write_private};

/// The user and group that upstream's bootstrap credentials have.
const USER: &str = "kubernetes-admin";
const GROUP: &str = "system:masters";

/// What the administrator's kubeconfig is called in the data directory.
pub(super) const KUBECONFIG: &str = "admin.kubeconfig";

/// The authority for client certificates, kept in the data directory over restarts.
pub(super) fn authority(data_directory: &Path, missing: Missing) -> Result<Authority, String> {
    let directory = data_directory.join("pki");
    let has_issued = data_directory.join(KUBECONFIG).exists();
    let (certificate, key) = (directory.join("ca.crt"), directory.join("ca.key"));
    Authority::load_or_create(&certificate, &key, "steersman-ca", has_issued, missing)
}

/// The administrator's kubeconfig. Certificates of earlier starts stay valid.
pub(super) fn kubeconfig(
    authority: &Authority,
    server: &str,
    serving_ca_pem: &str,
) -> Result<String, String> {
    let issued = authority.issue_client(USER, GROUP)?;
    Ok(format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: steersman\n\
         clusters:\n- name: steersman\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\n\
         contexts:\n- name: steersman\n  context:\n    cluster: steersman\n    user: {USER}\n\
         users:\n- name: {USER}\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
        base64(serving_ca_pem.as_bytes()),
        base64(issued.chain_pem.as_bytes()),
        base64(issued.key_pem.as_bytes()),
    ))
}

/// Writes the kubeconfig, which only the owner may read, and says where it is.
pub(super) fn write_kubeconfig(data_directory: &Path, text: &str) -> Result<PathBuf, String> {
    let path = data_directory.join(KUBECONFIG);
    write_private(&path, text)?;
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

/// RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        for (plain, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), expected);
        }
    }

    #[test]
    fn the_authority_survives_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("pki")).expect("a directory");
        let first = authority(directory.path(), Missing::Written).expect("an authority");
        let second = authority(directory.path(), Missing::Written).expect("an authority");
        assert_eq!(first.certificate(), second.certificate());
        let text = kubeconfig(&second, "https://127.0.0.1:1", "pem").expect("a kubeconfig");
        let path = write_kubeconfig(directory.path(), &text).expect("is written");
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(directory.path().join("pki")).expect("removed");
        authority(directory.path(), Missing::Written)
            .err()
            .expect("who has the kubeconfig would be shut out");
    }
}
