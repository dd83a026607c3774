//! The media engine, as configured, and its seat beside the hub.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock, Weak};

use patchbay_core::{LinkId, MediaEvent, MediaFault, MediaOp};
use patchbay_media_io::{Engine, Refused, Settings};

use crate::config::Config;
use crate::shell::Shell;

/// Where operations go. Empty until the engine runs; without one, the hub refuses whatever would need it.
#[derive(Default)]
pub(crate) struct Seat(OnceLock<Seated>);

/// Who carries them out.
enum Seated {
    Engine(Engine),
    /// In a simulation, one without media.
    #[cfg(feature = "sim")]
    Simulated(Box<dyn crate::sim::Media>),
}

impl Seated {
    fn submit(&self, op: MediaOp) -> Result<(), Refused> {
        match self {
            Self::Engine(engine) => engine.submit(op),
            #[cfg(feature = "sim")]
            Self::Simulated(media) => {
                let link = op.link();
                if media.submit(op) { Ok(()) } else { Err(Refused(link)) }
            }
        }
    }
}

impl Seat {
    /// Hands an operation to the engine; what it refuses is closed, and what the hub is to hear of that returned.
    pub(crate) fn submit(&self, op: MediaOp) -> Option<MediaEvent> {
        let seated = self.0.get()?;
        let Err(Refused(link)) = seated.submit(op) else { return None };
        // The end of a leg is never refused.
        let _ = seated.submit(MediaOp::Close { link });
        Some(MediaEvent::Refused { link, fault: MediaFault::Overload })
    }

    /// A leg is over by itself.
    pub(crate) fn forget(&self, link: LinkId) {
        match self.0.get() {
            Some(Seated::Engine(engine)) => engine.forget(link),
            #[cfg(feature = "sim")]
            Some(Seated::Simulated(media)) => media.forget(link),
            None => {}
        }
    }

    /// The engine, once it runs.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        match self.0.get()? {
            Seated::Engine(engine) => Some(engine),
            #[cfg(feature = "sim")]
            Seated::Simulated(_) => None,
        }
    }

    /// Seats the simulation's; the first stays.
    #[cfg(feature = "sim")]
    pub(crate) fn simulate(&self, media: Box<dyn crate::sim::Media>) {
        let _ = self.0.set(Seated::Simulated(media));
    }
}

/// Starts the engine and seats it.
///
/// # Errors
/// With cause and next action, if its settings are of no use or its sockets cannot be bound.
pub(crate) fn start(config: &Config, shell: &Arc<Shell>) -> Result<(), String> {
    let settings = settings(config)?;
    let shell_then: Weak<Shell> = Arc::downgrade(shell);
    let tell = move |events: Vec<MediaEvent>| {
        if let Some(shell) = shell_then.upgrade() {
            shell.switchboard.on_media(shell.clock.now(), events);
        }
    };
    let engine = Engine::start(&settings, Arc::new(tell))?;
    let seat = &shell.switchboard.seat().0;
    seat.set(Seated::Engine(engine)).map_err(|_| "the media engine runs already; this is a bug".to_owned())
}

/// What the engine is started with.
///
/// # Errors
/// With the key and the cause, if an address is none.
pub(crate) fn settings(config: &Config) -> Result<Settings, String> {
    let media = &config.media;
    Ok(Settings {
        port: media.udp_port,
        bind: addresses("media.bind", &media.bind)?,
        advertise: addresses("media.advertise", &media.advertise)?,
        workers: media.workers,
        rtp_ports: ports(&config.sip.rtp_ports)?,
        media: patchbay_media::Config {
            ice_lite: media.ice_lite,
            strict_source: config.sip.strict_source,
            ..patchbay_media::Config::default()
        },
    })
}

/// A range of ports, `first-last`.
fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let ends =
        text.split_once('-').and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
    // A pair begins on an even port above 0.
    let usable = ends.filter(|(first, last): &(u16, u16)| *first > 0 && first < last);
    let (first, last) =
        usable.ok_or_else(|| format!("sip.rtp_ports: {text:?} is no range of ports; write one like 20000-20999"))?;
    Ok(first..=last)
}

/// IP addresses; those of IPv6 may stand in brackets, as in URLs.
fn addresses(key: &str, texts: &[String]) -> Result<Vec<IpAddr>, String> {
    let parse = |text: &String| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse().map_err(|_| format!("{key}: {text:?} is no IP address; write one like 203.0.113.7 or 2001:db8::7"))
    };
    texts.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_brackets() {
        let read = |texts: &[&str]| addresses("media.bind", &texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(&["0.0.0.0", "[::]", "::1"]).expect("addresses").len(), 3);
        let error = read(&["example.com"]).expect_err("a name is no address");
        assert!(error.contains("media.bind") && error.contains("example.com"), "{error}");
    }

    #[test]
    fn ranges_of_ports_are_read() {
        assert_eq!(ports("20000-20999"), Ok(patchbay_media_io::RTP_PORTS));
        assert_eq!(ports(" 1 - 2 "), Ok(1..=2));
        for text in ["", "20000", "20999-20000", "20000-20000", "0-7", "1-70000", "a-b", "-1-5"] {
            let error = ports(text).expect_err(text);
            assert!(error.contains("sip.rtp_ports"), "{error}");
        }
    }

    #[test]
    fn the_defaults_are_of_use() {
        let settings = settings(&Config::default()).expect("defaults");
        assert_eq!(settings.rtp_ports, patchbay_media_io::RTP_PORTS);
        assert_eq!((settings.port, settings.bind.len(), settings.media.ice_lite), (10_000, 2, true));
    }
}
