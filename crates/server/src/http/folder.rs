//! Pages out of a folder that an operator has named.

use std::sync::Arc;

use http::header;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};

use super::pages::is_known;
use super::{Answer, Caller, plain, with};
use crate::folder::Found;
use crate::shell::Shell;

/// What a folder has at the request's path; `None` if no folder answers there, or a dialect does.
pub(super) async fn page(shell: &Arc<Shell>, caller: Caller, request: &Request<Incoming>) -> Option<Answer> {
    let path = request.uri().path();
    let folder = shell.pages(caller.role, path)?.clone();
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    if !asks || shell.endpoint(caller.role, path).is_some() {
        return None;
    }
    let wanted = path.to_owned();
    let found = tokio::task::spawn_blocking(move || folder.find(&wanted)).await;
    Some(match found {
        Ok(Found::File { tag, .. }) if is_known(request, &tag) => {
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            with(answer, header::ETAG, &tag)
        }
        // No word about how long it may be kept: browsers then ask again each time, by its tag.
        Ok(Found::File { media_type, tag, content }) => {
            let answer = with(Response::new(Full::new(Bytes::from(content))), header::CONTENT_TYPE, media_type);
            with(answer, header::ETAG, &tag)
        }
        Ok(Found::Moved(location)) => {
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = StatusCode::MOVED_PERMANENTLY;
            with(answer, header::LOCATION, &location)
        }
        Ok(Found::Missing) => plain(404, "404 page not found\n"),
        Ok(Found::TooLarge) => {
            tracing::warn!("a file of a pages_dir is larger than what is served; put it on a web server");
            plain(404, "404 page not found\n")
        }
        // Reading panicked: a bug of ours, which the panic has told.
        Err(_) => plain(500, "Internal Server Error\n"),
    })
}
