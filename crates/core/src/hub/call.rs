//! Calls between two registered parties, each a link that only the two may touch.

use std::collections::BTreeMap;

use super::directory::Directory;
use crate::id::LinkIds;
use crate::{CallState, Cause, Effects, Event, LinkId, Name, PartyId, Realm, Refusal, Tag, Token};

#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: BTreeMap<LinkId, Call>,
    tokens: BTreeMap<(Realm, Token), LinkId>,
    by_party: BTreeMap<(PartyId, LinkId), ()>,
}

#[derive(Debug)]
struct Call {
    caller: End,
    callee: End,
    realm: Realm,
    token: Option<Token>,
    state: CallState,
}

#[derive(Debug)]
struct End {
    party: PartyId,
    name: Name,
}

impl Calls {
    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(super) fn open(
        &mut self,
        caller: PartyId,
        tag: Tag,
        to: &Name,
        token: Option<Token>,
        links: &mut LinkIds,
        directory: &mut Directory,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let name = directory.name_of(caller).ok_or(Refusal::NotRegistered)?;
        let realm = directory.profile(caller).ok_or(Refusal::NotRegistered)?.realm;
        if name == *to {
            return Err(Refusal::Oneself);
        }
        let callee = directory.registered(realm, to).ok_or(Refusal::NoSuchParty)?;
        if directory.is_busy(caller) {
            return Err(Refusal::InCall);
        }
        if directory.is_busy(callee) {
            return Err(Refusal::Busy);
        }
        if token.is_some_and(|token| self.tokens.contains_key(&(realm, token))) {
            return Err(Refusal::TokenTaken);
        }
        let link = links.draw();
        for party in [caller, callee] {
            directory.call_began(party, link);
            self.by_party.insert((party, link), ());
        }
        if let Some(token) = token {
            self.tokens.insert((realm, token), link);
        }
        let call = Call {
            caller: End { party: caller, name },
            callee: End { party: callee, name: to.clone() },
            realm,
            token,
            state: CallState::New,
        };
        call.tell_state(link, caller, tag, out);
        self.calls.insert(link, call);
        Ok(())
    }

    pub(super) fn advance(
        &mut self,
        party: PartyId,
        tag: Tag,
        link: LinkId,
        state: CallState,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.has_part(party, link)?;
        let call = self.calls.get_mut(&link).ok_or(Refusal::NoSuchLink)?;
        // Back is allowed: a call that is renegotiated rings and is taken anew.
        if call.state != state {
            call.state = state;
            call.tell_state(link, party, tag, out);
        }
        Ok(())
    }

    /// Ends the call; both ends hear of it, the other one first, since it must react.
    pub(super) fn end(
        &mut self,
        party: PartyId,
        link: LinkId,
        cause: Cause,
        tag: Tag,
        directory: &mut Directory,
        out: &mut Effects,
    ) {
        let Some(call) = self.calls.remove(&link) else { return };
        if let Some(token) = call.token {
            self.tokens.remove(&(call.realm, token));
        }
        let (ender, other) =
            if call.caller.party == party { (&call.caller, &call.callee) } else { (&call.callee, &call.caller) };
        for (end, with, tag) in [(other, ender, Tag::default()), (ender, other, tag)] {
            directory.call_ended(end.party, link);
            self.by_party.remove(&(end.party, link));
            let (with, cause) = (with.name.clone(), cause.clone());
            out.tell(end.party, Event::Ended { tag, link, token: call.token, with, cause });
        }
    }

    /// # Errors
    /// [`Refusal::NoSuchLink`] if the call is over or somebody else's: the two are not told apart, so that nobody can
    /// probe for the calls of others.
    pub(super) fn has_part(&self, party: PartyId, link: LinkId) -> Result<(), Refusal> {
        self.other(party, link).map(|_| ())
    }

    pub(super) fn other(&self, party: PartyId, link: LinkId) -> Result<PartyId, Refusal> {
        let call = self.calls.get(&link).ok_or(Refusal::NoSuchLink)?;
        match (call.caller.party, call.callee.party) {
            (caller, callee) if caller == party => Ok(callee),
            (caller, callee) if callee == party => Ok(caller),
            _ => Err(Refusal::NoSuchLink),
        }
    }

    pub(super) fn lives(&self, link: LinkId) -> bool {
        self.calls.contains_key(&link)
    }

    pub(super) fn of(&self, party: PartyId) -> Vec<LinkId> {
        let range = (party, LinkId(0))..=(party, LinkId(u64::MAX));
        self.by_party.range(range).map(|((_, link), ())| *link).collect()
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.len() as u64
    }

    /// What is wrong, for `check`.
    pub(super) fn faults(&self, directory: &Directory) -> Vec<&'static str> {
        let mut faults = Vec::new();
        for (link, call) in &self.calls {
            for end in [&call.caller, &call.callee] {
                if !directory.calls_of(end.party).contains(link) || !self.by_party.contains_key(&(end.party, *link)) {
                    faults.push("a call's party does not know of it");
                }
            }
            if call.token.is_some_and(|token| self.tokens.get(&(call.realm, token)) != Some(link)) {
                faults.push("a call's token does not lead to it");
            }
        }
        if self.tokens.values().any(|link| !self.calls.contains_key(link)) {
            faults.push("a token outlived its call");
        }
        if self.by_party.len() != 2 * self.calls.len() {
            faults.push("a party's call outlived it");
        }
        faults
    }
}

impl Call {
    fn tell_state(&self, link: LinkId, mover: PartyId, tag: Tag, out: &mut Effects) {
        for (end, with, caller) in [(&self.caller, &self.callee, true), (&self.callee, &self.caller, false)] {
            let tag = if end.party == mover { tag } else { Tag::default() };
            let (token, with, state) = (self.token, with.name.clone(), self.state);
            out.tell(end.party, Event::CallChanged { tag, link, token, with, caller, state });
        }
    }
}
