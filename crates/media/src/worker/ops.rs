//! What the hub asks of a worker.

use std::sync::Arc;
use std::time::Instant;

use patchbay_core::{Ice, LegRole, MediaEvent, MediaFault, MediaOp, Open, Signal, SignalKind, Transport};

use super::Worker;
use crate::leg::{Fragmenting, Leg, Queued, Receiving, Role, Sending};
use crate::sink::Sink;

impl Worker {
    /// Carries out one operation. Call [`Worker::run`] afterwards.
    pub fn op(&mut self, now: Instant, op: MediaOp, sink: &mut dyn Sink) {
        let link = op.link();
        if let MediaOp::Open(open) = op {
            return self.open(now, &open, sink);
        }
        let Some(&index) = self.by_link.get(&link) else { return };
        match op {
            MediaOp::Open(_) => {}
            MediaOp::Remote { signal, .. } => self.remote(index, now, &signal, sink),
            MediaOp::Tracks { tracks, .. } => {
                let (mut local, resend) = (None, self.config.resend);
                self.guard(index, sink, |leg| match &mut leg.role {
                    Role::Fragments(fragmenting) => fragmenting.replace(tracks),
                    _ => {
                        local = leg.tracks(tracks, resend);
                        Ok(())
                    }
                });
                self.reroute(index, sink);
                local.into_iter().for_each(|event| sink.event(event));
                self.choose(index, now, sink);
            }
            MediaOp::Gate { source, pass, .. } => {
                match self.legs[index].as_deref_mut().map(|leg| &mut leg.role) {
                    Some(Role::Send(sending)) => sending.gate(source, pass),
                    Some(Role::Fragments(fragmenting)) => fragmenting.gate(source, pass),
                    _ => {}
                }
                self.choose(index, now, sink);
            }
            MediaOp::Prefer { source, height, .. } => {
                match self.legs[index].as_deref_mut().map(|leg| &mut leg.role) {
                    Some(Role::Send(sending)) => sending.prefer(source, height),
                    Some(Role::Fragments(fragmenting)) => fragmenting.prefer(source, height),
                    _ => {}
                }
                self.choose(index, now, sink);
            }
            MediaOp::Mute { pass, .. } => {
                let Some(Leg { role: Role::Receive(receiving), .. }) = self.legs[index].as_deref_mut() else { return };
                let shown = pass.video && !receiving.pass.video;
                receiving.mute(pass);
                let layers = u8::try_from(receiving.layers.len()).unwrap_or(u8::MAX);
                if shown {
                    (0..layers).for_each(|layer| self.want_key(link, layer, now, sink));
                }
            }
            MediaOp::Limit { bps, .. } => {
                self.guard(index, sink, |leg| {
                    leg.limit(bps);
                    Ok(())
                });
            }
            MediaOp::Say { channel, binary, bytes, .. } => {
                self.guard(index, sink, |leg| {
                    leg.say(channel.as_ref(), Queued { binary, bytes });
                    Ok(())
                });
            }
            MediaOp::Close { .. } => {
                // Whoever leaves says so, as far as the network takes it.
                self.guard(index, sink, |leg| {
                    leg.close();
                    Ok(())
                });
                self.settle(index, now, sink);
                self.remove(index, sink);
            }
        }
        self.touch(index);
    }

    fn open(&mut self, now: Instant, open: &Open, sink: &mut dyn Sink) {
        let link = open.link;
        if self.by_link.len() >= self.config.legs {
            return sink.event(MediaEvent::Refused { link, fault: MediaFault::Overload });
        }
        let role = match &open.role {
            LegRole::Receive { accept, codecs } => Role::Receive(Box::new(Receiving::new(*accept, Arc::clone(codecs)))),
            LegRole::Pull { accept, codecs } => Role::Receive(Box::new(Receiving::asking(*accept, Arc::clone(codecs)))),
            LegRole::Send { label, narrow, .. } => {
                let label = label.as_ref().map(|label| label.as_str().to_owned());
                Role::Send(Box::new(Sending::offering(label, *narrow)))
            }
            LegRole::Answer { tracks, may_grow } => Role::Send(Box::new(Sending::answering(tracks.clone(), *may_grow))),
            LegRole::Fragments { tracks, label, answers } => {
                let label = label.as_str().to_owned();
                Role::Fragments(Box::new(Fragmenting::new(tracks.clone(), label, *answers)))
            }
            LegRole::Talk(talk) => match self.converser(talk, open.transport, now) {
                Ok(role) => role,
                Err(fault) => return sink.event(MediaEvent::Refused { link, fault }),
            },
        };
        let telephone = matches!(role, Role::Phone(_));
        if matches!(open.transport, Transport::Rtp(_)) != telephone {
            // Only conversations go by RTP alone.
            return sink.event(MediaEvent::Refused { link, fault: MediaFault::Internal });
        }
        let lite = telephone || self.config.ice_lite && open.transport == Transport::WebRtc(Ice::Configured);
        let leg = Box::new(Leg::new(open, role, lite, now));
        let index = self.free.pop().unwrap_or_else(|| {
            self.legs.push(None);
            self.legs.len() - 1
        });
        self.legs[index] = Some(leg);
        self.by_link.insert(link, index);
        if !lite {
            self.asking.insert(index);
        }
        for topic in &open.hears {
            self.hears.entry(*topic).or_default().insert(index);
        }
        if let LegRole::Receive { .. } | LegRole::Answer { .. } | LegRole::Fragments { answers: true, .. } = open.role {
            return;
        }
        if let LegRole::Talk(talk) = &open.role {
            return self.converse(index, talk, now, sink);
        }
        let (identity, config) = (Arc::clone(&self.identity), Arc::clone(&self.config));
        let mut local = None;
        self.guard(index, sink, |leg| {
            local = Some(match &open.role {
                LegRole::Send { tracks, may_grow, .. } => leg.offer(tracks, *may_grow, &identity, &config, now)?,
                LegRole::Fragments { .. } => leg.offer_channel(&identity, &config, now)?,
                _ => leg.invite(&identity, &config, now)?,
            });
            Ok(())
        });
        self.rename(index);
        self.reroute(index, sink);
        local.into_iter().for_each(|event| sink.event(event));
        self.choose(index, now, sink);
        self.touch(index);
    }

    fn remote(&mut self, index: usize, now: Instant, signal: &Signal, sink: &mut dyn Sink) {
        let text = String::from_utf8_lossy(signal.body.bytes());
        let described = matches!(signal.kind, SignalKind::Offer | SignalKind::Answer);
        if described && self.talks(index) {
            return self.described(index, signal.kind == SignalKind::Offer, &text, now, sink);
        }
        let (identity, config) = (Arc::clone(&self.identity), Arc::clone(&self.config));
        let mut events = Vec::new();
        match signal.kind {
            SignalKind::Offer => self.guard(index, sink, |leg| {
                match leg.role {
                    Role::Receive(_) => events.extend(leg.answer(&text, &identity, &config, now)?),
                    Role::Send(_) => events.push(leg.respond(&text, &identity, &config, now)?),
                    Role::Fragments(_) => events.push(leg.answer_channel(&text, &identity, &config, now)?),
                    Role::Talk(_) | Role::Phone(_) => {}
                }
                Ok(())
            }),
            SignalKind::Answer => self.guard(index, sink, |leg| {
                match leg.role {
                    Role::Receive(_) => events.push(leg.agreed(&text)?),
                    Role::Send(_) => events.extend(leg.answered(&text, &config)?),
                    Role::Fragments(_) => leg.answered_channel(&text)?,
                    Role::Talk(_) | Role::Phone(_) => {}
                }
                Ok(())
            }),
            SignalKind::Candidate => self.guard(index, sink, |leg| {
                leg.candidate(&text);
                Ok(())
            }),
            SignalKind::Progress { .. } | SignalKind::Info | SignalKind::Bye(_) => {}
        }
        self.rename(index);
        if matches!(signal.kind, SignalKind::Answer | SignalKind::Offer) {
            // Tracks that came while the offer was in flight have their slots only now; and so have all where the peer offers.
            self.reroute(index, sink);
            self.choose(index, now, sink);
        }
        for event in events {
            sink.event(event);
        }
    }

    /// Learns what the leg's peer will call it.
    pub(super) fn rename(&mut self, index: usize) {
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        if let Some(name) = leg.name() {
            self.demux.name(name, index, &mut leg.names);
        }
    }

    /// Has the leg polled in the next run.
    pub(super) fn touch(&mut self, index: usize) {
        if let Some(leg) = self.legs[index].as_deref_mut()
            && !std::mem::replace(&mut leg.dirty, true)
        {
            self.dirty.push_back(index);
        }
    }
}
