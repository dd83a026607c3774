//! The OpenAPI document, made from the table of routes and from the objects themselves.

use patchbay_dialect_kit::http::Reply;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::broadcasts::SETTABLE;
use super::routes::{Kind, ROUTES, Route, Shape, opened, part};
use super::{Call, live, reply, rooms, subscribers};
use crate::records::{Broadcast, Conference, Purpose, SUBSCRIBER_LETTERS, Token};

pub(super) async fn show(call: Call) -> Reply {
    reply::object(200, &document(&call.app))
}

/// The whole document, for an application.
fn document(app: &str) -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Patchbay: the REST interface of the antmedia dialect",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Streams, tokens and subscribers of one application."
        },
        "servers": [{ "url": format!("/{app}{}", super::ENDPOINT) }],
        "paths": paths,
        "components": { "schemas": schemas() }
    })
}

fn operation(route: &Route) -> Value {
    let open = route.path.split('/').filter_map(opened);
    let in_path = open.map(|name| parameter(name, "path", part(name), true));
    let in_query = route.query.iter().map(|param| parameter(param.name, "query", param.kind, param.required));
    let mut responses = Map::new();
    responses.insert("200".to_owned(), response("As asked for.", Some(route.answer)));
    for status in route.refusals {
        let shape = (*status != 404).then_some(Shape::Outcome);
        responses.insert(status.to_string(), response(words(*status), shape));
    }
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.about,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": responses
    });
    if let Some(shape) = route.body {
        let media_type = if shape == Shape::Text { "text/plain" } else { "application/json" };
        let required = matches!(shape, Shape::Text | Shape::Token | Shape::SubscriberSettings);
        operation["requestBody"] =
            json!({ "required": required, "content": { media_type: { "schema": schema(shape) } } });
    }
    operation
}

fn parameter(name: &str, place: &str, kind: Kind, required: bool) -> Value {
    let schema = match kind {
        // Empty means not given.
        Kind::Id if !required => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]*$", "maxLength": 256 }),
        Kind::Id => id(),
        Kind::Subscriber => subscriber(1),
        Kind::Text if !required => json!({ "type": "string" }),
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Number => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Kind::Time => json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX }),
        Kind::Purpose => json!({ "type": "string", "enum": ["publish", "play"] }),
        Kind::Block => json!({ "type": "string", "enum": ["publish", "play", "publish_play"] }),
        Kind::One(of) => {
            let of = [&[""], of].concat();
            json!({ "type": "string", "enum": of })
        }
    };
    json!({ "name": name, "in": place, "required": required, "schema": schema })
}

/// Empty, or `null`, means not given.
fn id_if_given() -> Value {
    json!({ "type": ["string", "null"], "pattern": "^[A-Za-z0-9._-]*$", "maxLength": 256 })
}

fn id() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$", "minLength": 1, "maxLength": 256 })
}

fn subscriber(letters: usize) -> Value {
    // No slashes, and no control characters.
    let pattern = r"^[^/\\\x00-\x1f\x7f-\x9f]+$";
    json!({ "type": "string", "pattern": pattern, "minLength": letters, "maxLength": SUBSCRIBER_LETTERS })
}

fn response(description: &str, shape: Option<Shape>) -> Value {
    match shape {
        Some(shape) => {
            json!({ "description": description, "content": { "application/json": { "schema": schema(shape) } } })
        }
        None => json!({ "description": description }),
    }
}

const fn words(status: u16) -> &'static str {
    match status {
        400 => "Something that was sent is not as it has to be.",
        404 => "There is none.",
        409 => "Others change it at the same time.",
        415 => "The body is of another type.",
        _ => "The store cannot be used.",
    }
}

fn schema(shape: Shape) -> Value {
    let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let list = |name: &str| json!({ "type": "array", "items": named(name) });
    match shape {
        Shape::Broadcast => named("Broadcast"),
        Shape::Broadcasts => list("Broadcast"),
        Shape::BroadcastSettings => named("BroadcastSettings"),
        Shape::Token => named("TokenAsked"),
        Shape::TokenShown => named("Token"),
        Shape::Tokens => list("Token"),
        Shape::Subscribers => list("Subscriber"),
        Shape::SubscriberSettings => named("SubscriberSettings"),
        Shape::Conference => named("ConferenceRoom"),
        Shape::Conferences => list("ConferenceRoom"),
        Shape::ConferenceSettings => named("ConferenceRoomSettings"),
        Shape::RoomInfo => named("RoomInfo"),
        Shape::StreamInfos => list("StreamInfo"),
        Shape::ClientStats => list("ClientStats"),
        Shape::Statistics => named("Statistics"),
        Shape::Version => named("Version"),
        Shape::Count => named("Count"),
        Shape::Outcome => named("Result"),
        Shape::Text => json!({ "type": "string", "minLength": 1, "maxLength": 4_000 }),
        Shape::Document => json!({ "type": "object" }),
    }
}

fn schemas() -> Value {
    let broadcast = of(&Broadcast::default());
    let mut settings = json!({ "type": ["object", "null"], "properties": { "streamId": id() } });
    for name in SETTABLE {
        settings["properties"][name] = broadcast["properties"][name].clone();
    }
    for name in ["streamId", "mainTrackStreamId"] {
        settings["properties"][name] = id_if_given();
    }
    settings["properties"]["listenerHookURL"] =
        json!({ "type": ["string", "null"], "pattern": "^https?://", "maxLength": 2_000 });
    for name in ["mp4Enabled", "webMEnabled", "subtracksLimit", "webRTCViewerLimit"] {
        settings["properties"][name] =
            json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX });
    }
    for name in ["plannedStartDate", "plannedEndDate", "expireDurationMS"] {
        settings["properties"][name] = long();
    }
    // What is `null` was not given.
    if let Some(fields) = settings["properties"].as_object_mut() {
        fields.values_mut().for_each(may_be_null);
    }
    let purpose = json!({ "type": "string", "enum": [Purpose::Publish, Purpose::Play] });
    let mut room = of(&rooms::Shown::default());
    room["properties"]["roomStreamList"]["items"] = id();
    json!({
        "Broadcast": broadcast,
        "BroadcastSettings": settings,
        "Token": of(&Token::default()),
        "TokenAsked": {
            "type": "object",
            "required": ["tokenId", "streamId", "type"],
            "properties": {
                "tokenId": { "type": "string" },
                "streamId": id(),
                "type": purpose,
                "roomId": { "type": ["string", "null"] }
            }
        },
        "Subscriber": of(&subscribers::Shown::default()),
        "SubscriberSettings": {
            "type": "object",
            "required": ["subscriberId"],
            "properties": {
                "subscriberId": subscriber(subscribers::LETTERS),
                "subscriberName": { "type": ["string", "null"] },
                "b32Secret": { "type": ["string", "null"], "pattern": "^([A-Z2-7]{8})*$", "maxLength": 256 },
                "type": { "enum": ["publish", "play", null] },
                "concurrentConnectionsLimit": { "type": ["integer", "null"], "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX }
            }
        },
        "ConferenceRoom": room,
        "ConferenceRoomSettings": {
            "type": ["object", "null"],
            "properties": {
                "roomId": id_if_given(),
                "startDate": long(),
                "endDate": long(),
                "mode": { "type": ["string", "null"] },
                "roomStreamList": { "type": ["array", "null"], "items": id(), "maxItems": rooms::STREAMS }
            }
        },
        "Conference": of(&Conference::default()),
        "RoomInfo": {
            "type": "object",
            "properties": {
                "roomId": id(),
                "streamDetailsMap": { "type": "object", "additionalProperties": { "type": "string" } },
                "startDate": long(),
                "endDate": long()
            }
        },
        "StreamInfo": of(&live::StreamInfo::default()),
        "ClientStats": of(&live::ClientStats::default()),
        "Statistics": of(&live::Statistics::default()),
        "Version": of(&live::Version::default()),
        "Count": of(&reply::Count::default()),
        "Result": of(&reply::Outcome::default())
    })
}

/// Of one type, or `null`.
fn may_be_null(schema: &mut Value) {
    if let Some(name) = schema["type"].as_str() {
        schema["type"] = json!([name, "null"]);
    }
}

fn long() -> Value {
    json!({ "type": ["integer", "null"], "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })
}

/// What an object looks like, from one: all of its fields are always there, and what is `null` may be a text.
fn of(object: &impl Serialize) -> Value {
    let shown = serde_json::to_value(object).unwrap_or_default();
    let fields = shown.as_object().cloned().unwrap_or_default();
    let required: Vec<_> = fields.keys().cloned().collect();
    let properties: Map<_, _> = fields.iter().map(|(name, value)| (name.clone(), like(value))).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn like(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "type": ["string", "null"] }),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number" }),
        Value::Number(_) => json!({ "type": "integer" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(_) => json!({ "type": "array", "items": { "type": "string" } }),
        Value::Object(_) => json!({ "type": "object" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_route_once() {
        let document = document("live");
        let mut names = Vec::new();
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
            assert_eq!(operation["operationId"], route.name);
            names.push(route.name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROUTES.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document("live");
        let text = document.to_string();
        for name in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        for name in SETTABLE {
            let schema = &document["components"]["schemas"]["BroadcastSettings"]["properties"][name];
            assert!(schema.is_object(), "{name} is no field of a broadcast");
        }
    }
}
