//! A server that was not told who may connect makes an administrator: an authority, a certificate and
//! the kubeconfig that holds it.

use std::path::{Path, PathBuf};

use steersman_io::certificates::{Authority, write_private};

/// The user and group that upstream's bootstrap credentials have.
const USER: &str = "kubernetes-admin";
const GROUP: &str = "system:masters";

/// The authority for client certificates, kept in the data directory over restarts.
pub(super) fn authority(data_directory: &Path) -> Result<Authority, String> {
    let directory = data_directory.join("pki");
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    Authority::load_or_create(&directory.join("ca.crt"), &directory.join("ca.key"), "steersman-ca")
}

/// Writes `admin.kubeconfig`, which only the owner may read. Certificates of earlier starts stay valid.
pub(super) fn write_kubeconfig(
    data_directory: &Path,
    authority: &Authority,
    server: &str,
    serving_ca_pem: &str,
) -> Result<PathBuf, String> {
    let issued = authority.issue_client(USER, GROUP)?;
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: steersman\n\
         clusters:\n- name: steersman\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\n\
         contexts:\n- name: steersman\n  context:\n    cluster: steersman\n    user: {USER}\n\
         users:\n- name: {USER}\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
        base64(serving_ca_pem.as_bytes()),
        base64(issued.chain_pem.as_bytes()),
        base64(issued.key_pem.as_bytes()),
    );
    let path = data_directory.join("admin.kubeconfig");
    write_private(&path, &text)?;
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
    fn the_authority_outlives_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = authority(directory.path()).expect("an authority");
        let second = authority(directory.path()).expect("an authority");
        assert_eq!(first.certificate(), second.certificate());
        let path =
            write_kubeconfig(directory.path(), &second, "https://127.0.0.1:1", "pem").expect("a kubeconfig");
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
