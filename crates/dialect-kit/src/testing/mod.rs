//! Test tools for dialects and for the server: the transcript runner and the conformance suite.
//!
//! A **transcript** is a text file that says what clients send and what each must hear next. It runs in any [`World`]:
//! in [`SessionWorld`] (hub and sessions in one thread, fake time, no sockets) and, from the server's tests, over real
//! sockets. Its first line is a comment with case, seed and section; then one step per line:
//!
//! | line | meaning |
//! |---|---|
//! | `# …` | comment |
//! | `only sockets`, `only sessions` | the file runs in that world only |
//! | `+a` | open connection `a`; options: in a world of several dialects `path=…`, `protocol=…`, over sockets `origin=…`, `host=…`, `method=…`, `path=…`, `version=…`, `without=header`, `manual` |
//! | `+a from=192.0.2.1 id=… agent=…` | what the transport tells of who comes, where it does ([`Arrival`](crate::Arrival)) |
//! | `+a … => 403 name: value` | the handshake is refused with this status (and this header, if given) |
//! | `>a {…}` | `a` sends this JSON text as it is written |
//! | `>a text …`, `>a binary …` | `a` sends what follows as a text or binary message, JSON or not |
//! | `>a ping`, `>a pong` | `a` sends a WebSocket ping or pong |
//! | `>a fragments …¦…` | one text message in fragments, a WebSocket ping between them |
//! | `>a unmasked …` | an unmasked text frame |
//! | `>a {"method":"POST","path":"/x/name",…}` | of a dialect that speaks in requests: one, with `headers`, `body`, `stranger`; each connection is one session and its resource |
//! | `<a {"line":"dial",…}`, `>a {"line":"dialled",…}` | what the session asks of the telephones' side, and what it is told (`lines.rs`); telephones are connections of the dialect `Phone` |
//! | `<a {"status":201,…}` | its reply, with `headers` (lists by name) and `body` |
//! | `<a {…}` | the next thing that `a` hears is a text equal to this as JSON: these keys and no others |
//! | `<a exactly …⏎` | the next thing that `a` hears is this text, byte by byte; `⏎` is a line feed |
//! | `<a ping` | the next thing is a WebSocket ping (connections opened with `manual`; others answer by themselves) |
//! | `=a nothing 100ms` | `a` hears nothing for that time |
//! | `?a 60ms {…}` | `a` drops messages that have these members until none came for that time; another one fails |
//! | `xa 1009`, `xa none` | the server closes `a` with that code, or without a close frame |
//! | `-a close 1000`, `-a reset` | `a` closes, or resets its TCP connection |
//! | `~31s` | time passes |
//! | `repeat i 0..50` … `end` | the lines between, with `$i` replaced; does not nest |
//! | `http GET /x => 200 "body"` | an HTTP request; the body is a JSON string, after `starts` a beginning; both optional |
//! | `!flow a up s` | the scripted engine: what `a` sends (`up`) as stream `s`, or is sent (`down`), is connected and flows |
//! | `!lost …`, `!fail … overload` | the leg's connection is lost; the engine gives it up (`description`, `internal`, `overload`) |
//! | `!report … audio=1 sizes=640x360@9` | the engine tells how the leg does; also `video`, `target`, `loss`, `rtt` |
//! | `!switch … cam 360` | the viewer is sent the rendition of this height of track `cam` |
//! | `!data … text`, `!data … binary text` | the leg's peer says something on its data channel |
//! | `!passes … cam audio` | these kinds of track `cam` reach the viewer: `none`, `audio`, `video`, `all` |
//! | `!prefers … cam 360` | the viewer has chosen that height of `cam`, or `auto` |
//! | `!limit … 100000` | the leg's peer is to send at most so many bits per second, or `none` |
//! | `!hears … text` | the leg's peer hears this on its data channel next: `text`, `binary text` or `nothing` |
//! | `!overload`, `!relief` | the machine has as much to do as it may have, or no longer |
//! | `!drain` | the server is about to stop |
//! | `!store broadcast live/s {…}` | the store has this record; also `token`, `subscriber`, `setting` |
//! | `!store gone`, `!store back` | the store cannot be reached, or can again |
//! | `!stored token live/t`, `!unstored …` | the store has a record of that key, or not |
//! | `!answers http://x 200` | the server at that address answers questions with that status |
//! | `!told http://x {…}` | what that server was told or asked next has these members |
//! | `!candidates … 2`, `!gone …` | the leg's peer has told so many candidates; the leg is closed |
//!
//! `$fill(x,65)` stands for `x` 65 times. A string with `$s:num8` in what a client hears stands for any eight digits, which
//! `$s` then means in every later line, said or heard; `$s:hex16` and `$s:hex32` for hexadecimal ones,
//! `$s:uuid` for an id of that form. At the end, whatever was sent to an open connection and not asked for fails.
//! Lines with `!` are for files with `only sessions`: over sockets, the engine is the real one.
//! Text that a test compares comes from a parser of its own (`serde_json`), not from [`crate::json`].

mod altered;
mod capture;
mod channels;
mod conformance;
mod directive;
mod elsewhere;
mod engine;
mod expected;
mod input;
mod jobs;
mod lines;
pub mod reference;
mod replay;
mod requests;
mod run;
mod script;
mod session_world;
mod strange;
#[cfg(test)]
mod tests;
mod world;

pub use altered::{Altered, alterations};
pub use conformance::Suite;
pub use directive::Directive;
pub use elsewhere::Elsewhere;
pub use jobs::Jobs;
pub use lines::Phone;
pub use replay::replay;
pub use run::{Failure, run};
pub use script::Script;
pub use session_world::{Delivery, SessionWorld};
pub use strange::strange_events;
pub use world::{Handshake, Heard, HttpAnswer, Input, Place, Turned, World};
