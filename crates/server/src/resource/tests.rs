use patchbay_dialect_kit::CloseCause;

use super::*;
use crate::http::Caller;
use crate::listener::Role;
use crate::probe::{has_spoken, shell};

fn asked(body: &[u8]) -> Asked {
    Asked {
        method: "POST".to_owned(),
        endpoint: "",
        name: "s".to_owned(),
        query: String::new(),
        resource: None,
        location: String::new(),
        admitted: true,
        headers: Vec::new(),
        body: body.to_vec(),
    }
}

/// Makes a resource and asks it these things, one after the other; whether its last word is in the store afterwards.
async fn last_word_of(bodies: &[&[u8]], end: impl FnOnce(&Arc<Shell>)) -> bool {
    let shell = shell(Vec::new());
    let caller = Caller { role: Role::Public, address: None, secure: false };
    let ticket = shell.admit(caller).unwrap_or_else(|_| panic!("there is room"));
    let id = shell.resources.draw(&shell);
    let opening = Opening { shell: &shell, dialect: 0, id: id.clone(), ticket };
    let reply = opening.ask(asked(b"begin")).unwrap_or_else(|_| panic!("it is there")).await;
    assert_eq!(reply.map(|reply| reply.status).ok(), Some(200));
    assert!(!has_spoken(&shell), "it has not ended");
    for body in bodies {
        let resource = shell.resources.find(&id, 0).expect("it stands");
        let _answer = resource.ask(asked(body)).unwrap_or_else(|_| panic!("it is there")).await;
    }
    end(&shell);
    while shell.resources.find(&id, 0).is_some() {
        tokio::task::yield_now().await;
    }
    // The task goes on a moment longer than it can be found.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    has_spoken(&shell)
}

#[tokio::test]
async fn a_session_has_a_last_word_however_its_resource_ends() {
    assert!(last_word_of(&[b"end"], |_| ()).await, "by itself");
    let close = |shell: &Arc<Shell>| shell.switchboard.close_all(CloseCause::Shutdown);
    assert!(last_word_of(&[], close).await, "with the server");
    assert!(!last_word_of(&[b"panic"], |_| ()).await, "not after a panic");
}
