//! What `help` tells: the commands that are served, in the form of the original's list.

use super::value::Value;

/// A parameter: name, description, and its default; `None`: it is mandatory.
type Parameter = (&'static str, &'static str, Option<&'static str>);

/// Every command: name, description, parameters.
const COMMANDS: [(&str, &str, &[Parameter]); 10] = [
    ("help", "prints this help", &[]),
    ("quit", "quits CLI", &[]),
    ("version", "Returns the version of this server", &[]),
    ("listConfig", "Returns the list of configurations", &[]),
    ("getConfigInfo", "Returns one configuration", &[("id", "The configId of the configuration", None)]),
    (
        "removeConfig",
        "Stops what a configuration has started, and forgets it",
        &[("id", "The configId of the configuration", None)],
    ),
    (
        "startWebRTC",
        "Starts a WebRTC signalling client to an ERS (Evostream Rendezvous Server)",
        &[
            ("ersip", "IP address (xx.yy.zz.xx) of the ERS", None),
            ("ersport", "Port number where the ERS will listen to", None),
            ("roomId", "Unique room identifier within the ERS", None),
            ("ers", "Host name of the ERS, instead of ersip", Some("")),
            ("token", "The security token to be used within the ERS", Some("")),
            ("keepAlive", "1 to connect again whenever the connection is lost", Some("1")),
            ("ersOverSsl", "1 to connect by TLS", Some("0")),
        ],
    ),
    (
        "stopWebRTC",
        "Stops the signalling clients that match; all without a parameter",
        &[
            ("ersip", "IP address of the ERS", Some("")),
            ("ersport", "Port number of the ERS", Some("0")),
            ("roomid", "Room identifier", Some("")),
        ],
    ),
    (
        "sendWebRTCCommand",
        "Sends a command to the players of a stream",
        &[
            ("command", "The command", None),
            ("localstreamname", "The stream", None),
            ("argument", "Its argument", None),
            ("base64", "1 if the argument is base64", Some("0")),
        ],
    ),
    (
        "shutdownServer",
        "Ends the server; the first call returns a key for the second",
        &[("key", "The key that the first call returned", Some(""))],
    ),
];

const COMMAND_ID: Parameter = (
    "commandId",
    "If set to any value, the answer has a responseId of the same value, by which it is known",
    Some("-No default value-"),
);

pub(super) fn list() -> Value {
    let parameter = |(name, description, default): &Parameter| {
        Value::map([
            ("defaultValue", default.map_or(Value::Null, Value::text)),
            ("description", Value::text(*description)),
            ("mandatory", Value::Bool(default.is_none())),
            ("name", Value::text(*name)),
        ])
    };
    let command = |(name, description, parameters): &(&str, &str, &[Parameter])| {
        let all = parameters.iter().chain([&COMMAND_ID]).map(parameter);
        Value::map([
            ("command", Value::text(*name)),
            ("deprecated", Value::Bool(false)),
            ("description", Value::text(*description)),
            ("parameters", Value::List(all.collect())),
        ])
    };
    Value::List(COMMANDS.iter().map(command).collect())
}
