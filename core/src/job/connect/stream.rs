//! Streams to a container: exec, attach, portforward. The client's connection is joined with the kubelet's, whatever
//! protocol the client asks for: kubelets since 1.36 speak WebSocket in all its versions, and clients of older ones
//! fall back to SPDY when WebSocket is refused.
//! k8s: pkg/registry/core/pod/rest/subresources.go, pkg/registry/core/pod/strategy.go streamLocation

use super::pod::{self, items};
use crate::status::Failure;
use crate::value::{Text, Value};
use crate::wire::percent::{encode_path, encode_query};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// core.PodExecOptions, core.PodAttachOptions or core.PodPortForwardOptions.
#[derive(Debug)]
pub(super) struct StreamOptions {
    /// The node of the pod, once that is known.
    pub(super) node: Text,
    kind: StreamKind,
}

#[derive(Debug)]
enum StreamKind {
    Exec(Channels, Vec<String>),
    Attach(Channels),
    PortForward(Vec<i64>),
}

/// Which of a container's channels are wanted.
#[derive(Debug)]
struct Channels {
    container: Text,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

impl Channels {
    fn of(options: &Value) -> Self {
        let is = |name: &str| options.field(name).and_then(Value::as_bool).unwrap_or(false);
        Self {
            container: options.text_at(&["container"]).into(),
            stdin: is("stdin"),
            stdout: is("stdout"),
            stderr: is("stderr"),
            tty: is("tty"),
        }
    }

    /// The parameters of the kubelet, with a command among them.
    /// k8s: pkg/apis/core/types.go ExecStdinParam
    fn query(&self, command: &[String]) -> String {
        let wanted = |name: &'static str, is: bool| is.then_some((name, "1"));
        let command = command.iter().map(|word| ("command", word.as_str()));
        let others = [
            wanted("error", self.stderr),
            wanted("input", self.stdin),
            wanted("output", self.stdout),
            wanted("tty", self.tty),
        ];
        encode_query(command.chain(others.into_iter().flatten()))
    }
}

impl StreamOptions {
    /// The options of a subresource.
    pub(super) fn of(sub: &str, options: &Value) -> Self {
        let listed = |name: &str| items(options, &[name]).iter();
        let kind = match sub {
            "exec" => {
                let command = listed("command").filter_map(Value::as_str).map(String::from).collect();
                StreamKind::Exec(Channels::of(options), command)
            }
            "attach" => StreamKind::Attach(Channels::of(options)),
            _ => StreamKind::PortForward(listed("ports").filter_map(Value::as_int).collect()),
        };
        Self { node: Text::default(), kind }
    }

    /// The container that is meant; empty for a port.
    pub(super) fn container_of(&self, value: &Value) -> Result<Text, Failure> {
        match &self.kind {
            StreamKind::Exec(channels, _) | StreamKind::Attach(channels) => {
                pod::container(value, &channels.container)
            }
            StreamKind::PortForward(_) => Ok(Text::default()),
        }
    }

    /// The path and the query at the kubelet, for a namespace, a pod and a container.
    pub(super) fn path(&self, (namespace, pod, container): (&str, &str, &str)) -> String {
        let (path, query) = match &self.kind {
            StreamKind::Exec(channels, command) => {
                (format!("/exec/{namespace}/{pod}/{container}"), channels.query(command))
            }
            StreamKind::Attach(channels) => {
                (format!("/attach/{namespace}/{pod}/{container}"), channels.query(&[]))
            }
            StreamKind::PortForward(ports) => {
                let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
                let query = if ports.is_empty() {
                    String::new()
                } else {
                    encode_query([("port", ports.join(",").as_str())])
                };
                (format!("/portForward/{namespace}/{pod}"), query)
            }
        };
        let path = encode_path(&path);
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::of_subresource;
    use super::*;
    use crate::wire::query::Query;

    #[test]
    fn the_kubelet_is_asked_for_what_the_client_asks_for() {
        let cases = [
            (
                "exec",
                "command=ls&command=-l%20%26&stdin=true&stdout&tty=0&stderr=false",
                "/exec/ns/p/c?command=ls&command=-l+%26&input=1&output=1",
            ),
            ("exec", "", "/exec/ns/p/c"),
            ("attach", "stderr=1&tty=1&command=no", "/attach/ns/p/c?error=1&tty=1"),
            ("portforward", "ports=1,2&ports=65535", "/portForward/ns/p?port=1%2C2%2C65535"),
            ("portforward", "", "/portForward/ns/p"),
        ];
        for (sub, query, expected) in cases {
            let options = of_subresource(sub, &Query::parse(query), "").expect(query);
            let options = StreamOptions::of(sub, &options);
            assert_eq!(options.path(("ns", "p", "c")), expected, "{sub} {query}");
        }
        let failure = of_subresource("portforward", &Query::parse("ports=65536"), "").expect_err("large");
        let expected = "cannot convert to []int32: strconv.ParseUint: parsing \"65536\": value out of range";
        assert_eq!(failure.message(), expected);
    }
}
