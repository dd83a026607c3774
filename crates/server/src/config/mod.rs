//! Configuration: every setting of the server, from four layers, as one typed value.
//!
//! Order of precedence: flags > environment > file > defaults. Each layer is read into *settings*
//! (key path, value, where it came from); a setting is checked alone, by its key's kind, so that an
//! error can name the file and line, the variable or the flag. The merged settings then become
//! [`Config`]. All errors of all layers are reported together.
//!
//! | file | idea |
//! |---|---|
//! | `table` | the one list of keys: path, kind, default, meaning; all else is derived from it |
//! | `key`, `kind` | what a key is; how a value of a kind is read and checked |
//! | `file`, `environment`, `load` | the layers, and their merging |
//! | `rules` | checks between keys |
//! | `red5`, `ers` | foreign files, below the layers and above the defaults |
//! | `typed` | [`Config`], plain data |
//! | `address`, `networks`, `origin`, `rtc`, `levels`, `secret` | the types of values that have rules of their own |
//! | `unserved` | keys this version knows, but does nothing with yet |
//! | `print`, `reference` | `config print` and `config keys` |

mod address;
mod apps;
mod environment;
mod error;
mod ers;
mod file;
mod key;
mod kind;
mod levels;
mod load;
mod nearest;
mod networks;
mod origin;
mod patches;
mod print;
mod red5;
mod reference;
mod rtc;
mod rules;
mod secret;
mod table;
mod typed;
mod unserved;
mod values;

pub use address::{Host, ListenAddr, ListenAddrError};
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, Source};
pub use key::{Key, keys};
pub use kind::Kind;
pub use levels::{Level, Levels};
pub use load::{DEFAULT_FILE, Loaded, Override, Request, load};
pub use networks::Networks;
pub use origin::OriginPolicy;
pub use reference::reference;
pub use rtc::{DEFAULT_RTC_JSON, IceServer, RtcConfig};
pub use secret::Secret;
pub use typed::{
    Admin, Antmedia, App, Config, Dialects, Drain, Ems, Ers, Http, Https, Limits, Location, Log, LogFormat, Media,
    Mesh, Patch, Rtc, Sid, Sip, Sylk, Whip,
};
