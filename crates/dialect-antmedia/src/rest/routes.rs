//! Everything that can be called, in one table: what is asked, what is answered, and who does it. The OpenAPI document is
//! made from it, so that the two cannot differ.

use std::future::Future;
use std::pin::Pin;

use patchbay_dialect_kit::http::Reply;

use super::{Call, broadcasts, live, openapi, query, rooms, subscribers, tokens};

/// What an operation does, as far as it has come.
pub(crate) type Operation = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// One operation.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Below the endpoint; parts in braces are open.
    pub(crate) path: &'static str,
    /// Its name in the document.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) query: &'static [Param],
    pub(crate) body: Option<Shape>,
    /// What is answered if all is well.
    pub(crate) answer: Shape,
    /// Statuses of refusals, each with a `Result`; 404 without one.
    pub(crate) refusals: &'static [u16],
    pub(crate) run: fn(Call) -> Operation,
}

/// A parameter of a query.
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

const fn may(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, required: false }
}

const fn must(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, required: true }
}

/// What a text in a path or query stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Subscriber,
    Text,
    Number,
    Time,
    Purpose,
    Block,
    One(&'static [&'static str]),
}

/// What an open part of a path is.
pub(crate) fn part(name: &str) -> Kind {
    match name {
        "offset" | "size" | "seconds" => Kind::Number,
        "type" => Kind::Block,
        "subscriberId" => Kind::Subscriber,
        "search" => Kind::Text,
        _ => Kind::Id,
    }
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Broadcast,
    Broadcasts,
    /// What of a broadcast can be set.
    BroadcastSettings,
    Token,
    Tokens,
    TokenShown,
    Subscribers,
    SubscriberSettings,
    Conference,
    Conferences,
    ConferenceSettings,
    RoomInfo,
    StreamInfos,
    ClientStats,
    Statistics,
    Version,
    Count,
    Outcome,
    /// Text of any kind.
    Text,
    /// This very document.
    Document,
}

/// What was found at a path.
pub(crate) enum Found {
    Route(&'static Route, Vec<String>),
    /// The path is known, but for these methods.
    Methods(String),
    Nothing,
}

/// The operation that is meant, and the open parts of its path. The first path that fits is the one that counts, so that
/// each path has the methods that the document says.
pub(crate) fn find(method: &str, path: &str) -> Found {
    let Some(segments) = query::segments(path) else { return Found::Nothing };
    let here = ROUTES.iter().find_map(|route| Some((route.path, matched(route.path, &segments)?)));
    let Some((path, open)) = here else { return Found::Nothing };
    let routes = || ROUTES.iter().filter(|route| route.path == path);
    // What GET answers, HEAD answers without it.
    let meant = if method == "HEAD" { "GET" } else { method };
    if let Some(route) = routes().find(|route| route.method == meant) {
        return Found::Route(route, open);
    }
    let mut methods: Vec<_> = routes().map(|route| route.method).chain(["OPTIONS"]).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    Found::Methods(methods.join(", "))
}

/// The open parts of a path, if it is one of these.
fn matched(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut parts = pattern.split('/').skip(1);
    let mut open = Vec::new();
    for have in segments {
        match parts.next()? {
            part if opened(part).is_some() => open.push(have.clone()),
            part if part == have => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(open)
}

/// The name of an open part.
pub(crate) fn opened(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

const BAD: &[u16] = &[400, 503];
const BAD_OR_ABSENT: &[u16] = &[400, 404, 503];
const CHANGED: &[u16] = &[400, 409, 415, 503];
const SENT: &[u16] = &[400, 415, 503];

macro_rules! run {
    ($function:path) => {
        |call| Box::pin($function(call))
    };
}

/// Paths without open parts stand before those that have some at the same place.
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    Route { method: "GET", path: "/openapi.json", name: "document", about: "This document.",
        query: &[], body: None, answer: Shape::Document, refusals: &[], run: run!(openapi::show) },
    Route { method: "GET", path: "/version", name: "version", about: "What runs here.",
        query: &[], body: None, answer: Shape::Version, refusals: &[], run: run!(live::version) },

    Route { method: "POST", path: "/broadcasts/create", name: "createBroadcast",
        about: "Makes a broadcast beforehand; without an id, one is drawn.",
        query: &[may("autoStart", Kind::One(&["true", "false"]))], body: Some(Shape::BroadcastSettings),
        answer: Shape::Broadcast, refusals: SENT, run: run!(broadcasts::create) },
    Route { method: "GET", path: "/broadcasts/count", name: "countBroadcasts", about: "How many there are.",
        query: &[], body: None, answer: Shape::Count, refusals: BAD, run: run!(broadcasts::count) },
    Route { method: "GET", path: "/broadcasts/count/{search}", name: "countFound", about: "How many are found by a text.",
        query: &[], body: None, answer: Shape::Count, refusals: BAD, run: run!(broadcasts::count_found) },
    Route { method: "GET", path: "/broadcasts/active-live-stream-count", name: "countLive", about: "How many are published now.",
        query: &[], body: None, answer: Shape::Count, refusals: BAD, run: run!(live::count) },
    Route { method: "GET", path: "/broadcasts/list/{offset}/{size}", name: "listBroadcasts",
        about: "A page of at most 250; those that nobody made beforehand stand behind the others.",
        query: &[
            may("type_by", Kind::Text),
            may("sort_by", Kind::One(&["name", "date", "status"])),
            may("order_by", Kind::One(&["asc", "desc"])),
            may("search", Kind::Text),
        ],
        body: None, answer: Shape::Broadcasts, refusals: BAD, run: run!(broadcasts::list) },
    Route { method: "POST", path: "/broadcasts/validate-token", name: "validateToken",
        about: "Whether a token is good; one that is good for one use has been used then.",
        query: &[], body: Some(Shape::Token), answer: Shape::Outcome, refusals: SENT, run: run!(tokens::validate) },

    Route { method: "POST", path: "/broadcasts/conference-rooms", name: "createRoom", about: "Makes a room (interface of 2022).",
        query: &[], body: Some(Shape::ConferenceSettings), answer: Shape::Conference, refusals: SENT, run: run!(rooms::create) },
    Route { method: "GET", path: "/broadcasts/conference-rooms/list/{offset}/{size}", name: "listRooms", about: "A page of rooms.",
        query: &[], body: None, answer: Shape::Conferences, refusals: BAD, run: run!(rooms::list) },
    Route { method: "GET", path: "/broadcasts/conference-rooms/{id}/room-info", name: "roomInfo", about: "Who is in a room.",
        query: &[may("streamId", Kind::Id)], body: None, answer: Shape::RoomInfo, refusals: BAD_OR_ABSENT, run: run!(rooms::info) },
    Route { method: "PUT", path: "/broadcasts/conference-rooms/{id}/add", name: "addToRoom", about: "Adds a stream to a room.",
        query: &[must("streamId", Kind::Id)], body: None, answer: Shape::Outcome, refusals: &[400, 409, 503], run: run!(rooms::add) },
    Route { method: "PUT", path: "/broadcasts/conference-rooms/{id}/delete", name: "removeFromRoom", about: "Takes a stream out of a room.",
        query: &[must("streamId", Kind::Id)], body: None, answer: Shape::Outcome, refusals: &[400, 409, 503], run: run!(rooms::remove) },
    Route { method: "GET", path: "/broadcasts/conference-rooms/{id}", name: "getRoom", about: "A room.",
        query: &[], body: None, answer: Shape::Conference, refusals: BAD_OR_ABSENT, run: run!(rooms::get) },
    Route { method: "PUT", path: "/broadcasts/conference-rooms/{id}", name: "updateRoom", about: "Changes a room.",
        query: &[], body: Some(Shape::ConferenceSettings), answer: Shape::Conference, refusals: &[400, 404, 409, 415, 503], run: run!(rooms::update) },
    Route { method: "DELETE", path: "/broadcasts/conference-rooms/{id}", name: "deleteRoom", about: "Forgets a room.",
        query: &[], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(rooms::delete) },

    Route { method: "GET", path: "/broadcasts/{id}", name: "getBroadcast", about: "A broadcast, made beforehand or published now.",
        query: &[], body: None, answer: Shape::Broadcast, refusals: BAD_OR_ABSENT, run: run!(broadcasts::get) },
    Route { method: "PUT", path: "/broadcasts/{id}", name: "updateBroadcast", about: "Changes what is given of a broadcast.",
        query: &[], body: Some(Shape::BroadcastSettings), answer: Shape::Outcome, refusals: CHANGED, run: run!(broadcasts::update) },
    Route { method: "DELETE", path: "/broadcasts/{id}", name: "deleteBroadcast", about: "Forgets a broadcast, and ends it.",
        query: &[], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(broadcasts::delete) },
    Route { method: "POST", path: "/broadcasts/{id}/stop", name: "stopBroadcast", about: "Ends what is published; of a room, all of it.",
        query: &[], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(live::stop) },
    Route { method: "POST", path: "/broadcasts/{id}/data", name: "sendData", about: "Says something on the data channels of all who are there.",
        query: &[], body: Some(Shape::Text), answer: Shape::Outcome, refusals: BAD, run: run!(live::say) },
    Route { method: "GET", path: "/broadcasts/{id}/stream-info", name: "streamInfo", about: "The sizes in which a stream can be had.",
        query: &[], body: None, answer: Shape::StreamInfos, refusals: BAD, run: run!(live::info) },
    Route { method: "GET", path: "/broadcasts/{id}/broadcast-statistics", name: "statistics", about: "How many play it.",
        query: &[], body: None, answer: Shape::Statistics, refusals: BAD, run: run!(live::statistics) },
    Route { method: "GET", path: "/broadcasts/{id}/webrtc-client-stats/{offset}/{size}", name: "clientStats", about: "How those do who play it.",
        query: &[], body: None, answer: Shape::ClientStats, refusals: BAD, run: run!(live::clients) },

    Route { method: "GET", path: "/broadcasts/{id}/token", name: "getToken", about: "Makes a token for one use; with a room, for all uses there.",
        query: &[must("expireDate", Kind::Time), must("type", Kind::Purpose), may("roomId", Kind::Id)],
        body: None, answer: Shape::TokenShown, refusals: BAD, run: run!(tokens::get) },
    Route { method: "GET", path: "/broadcasts/{id}/jwt-token", name: "getSignedToken", about: "Makes a JSON Web Token.",
        query: &[must("expireDate", Kind::Time), must("type", Kind::Purpose), may("roomId", Kind::Id)],
        body: None, answer: Shape::TokenShown, refusals: BAD, run: run!(tokens::signed) },
    Route { method: "DELETE", path: "/broadcasts/{id}/tokens", name: "deleteTokens", about: "Takes all tokens of a stream back.",
        query: &[], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(tokens::delete) },
    Route { method: "GET", path: "/broadcasts/{id}/tokens/list/{offset}/{size}", name: "listTokens", about: "A page of the tokens of a stream.",
        query: &[], body: None, answer: Shape::Tokens, refusals: BAD, run: run!(tokens::list) },

    Route { method: "POST", path: "/broadcasts/{id}/subscribers", name: "addSubscriber", about: "Makes somebody a subscriber of a stream.",
        query: &[], body: Some(Shape::SubscriberSettings), answer: Shape::Outcome, refusals: SENT, run: run!(subscribers::add) },
    Route { method: "DELETE", path: "/broadcasts/{id}/subscribers", name: "deleteSubscribers", about: "Forgets all subscribers of a stream.",
        query: &[], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(subscribers::delete_all) },
    Route { method: "GET", path: "/broadcasts/{id}/subscribers/list/{offset}/{size}", name: "listSubscribers", about: "A page of the subscribers of a stream.",
        query: &[], body: None, answer: Shape::Subscribers, refusals: BAD, run: run!(subscribers::list) },
    Route { method: "PUT", path: "/broadcasts/{id}/subscribers/{subscriberId}/block/{seconds}/{type}", name: "blockSubscriber",
        about: "Blocks a subscriber for so many seconds; for none: no longer.",
        query: &[], body: None, answer: Shape::Outcome, refusals: &[400, 409, 503], run: run!(subscribers::block) },
    Route { method: "GET", path: "/broadcasts/{id}/subscribers/{subscriberId}/totp", name: "getCode",
        about: "The code of a subscriber at this moment, as dataId.",
        query: &[may("type", Kind::One(&["publish", "play"]))], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(subscribers::code) },
    Route { method: "DELETE", path: "/broadcasts/{id}/subscribers/{subscriberId}", name: "deleteSubscriber", about: "Forgets a subscriber.",
        query: &[], body: None, answer: Shape::Outcome, refusals: BAD, run: run!(subscribers::delete) },

    Route { method: "POST", path: "/broadcasts/{id}/subtrack", name: "addSubtrack", about: "Makes a broadcast a track of another.",
        query: &[must("id", Kind::Id)], body: None, answer: Shape::Outcome, refusals: &[400, 409, 503], run: run!(broadcasts::add_track) },
    Route { method: "DELETE", path: "/broadcasts/{id}/subtrack", name: "removeSubtrack", about: "Makes it one no longer.",
        query: &[must("id", Kind::Id)], body: None, answer: Shape::Outcome, refusals: &[400, 409, 503], run: run!(broadcasts::remove_track) },
    Route { method: "GET", path: "/broadcasts/{id}/subtracks/{offset}/{size}", name: "listSubtracks", about: "A page of its tracks.",
        query: &[], body: None, answer: Shape::Broadcasts, refusals: BAD, run: run!(live::tracks) },
    Route { method: "GET", path: "/broadcasts/{id}/active-subtracks-count", name: "countSubtracks", about: "How many of its tracks are published now.",
        query: &[], body: None, answer: Shape::Count, refusals: BAD, run: run!(live::count_tracks) },
];
