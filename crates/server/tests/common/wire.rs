use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use socket2::{Domain, SockRef, Socket, Type};

use super::tls::Session;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// With TLS, presenting this certificate and no other.
    Tls(SocketAddr, CertificateDer<'static>),
}

impl Address {
    pub(crate) fn parse(text: &str) -> Self {
        match text.strip_prefix("unix:") {
            Some(path) => Self::Unix(PathBuf::from(path)),
            None => Self::Tcp(text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))),
        }
    }

    /// The address with the loopback in the place of "all interfaces".
    pub(crate) fn reachable(&self) -> Self {
        match self {
            Self::Tcp(address) if address.ip().is_unspecified() && address.is_ipv6() => {
                Self::Tcp(([0, 0, 0, 0, 0, 0, 0, 1], address.port()).into())
            }
            Self::Tcp(address) if address.ip().is_unspecified() => Self::Tcp(([127, 0, 0, 1], address.port()).into()),
            other => other.clone(),
        }
    }

    /// What a browser writes into `Host`.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Tcp(address) | Self::Tls(address, _) => address.to_string(),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

/// A stream to the server. Both kinds block, with a time limit on reading.
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(TcpStream, Session),
}

/// No write of a test waits longer: the server has stopped reading where it should not.
const WRITE_LIMIT: Duration = Duration::from_secs(20);

impl Wire {
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        let wire = match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                Self::Tcp(stream)
            }
            Address::Unix(path) => Self::Unix(UnixStream::connect(path)?),
            Address::Tls(address, certificate) => {
                let session = Session::new(certificate, rustls::DEFAULT_VERSIONS);
                return Self::connect(&Address::Tcp(*address))?.secured(session);
            }
        };
        wire.limit_writes(WRITE_LIMIT)?;
        Ok(wire)
    }

    /// A TCP connection whose receiver has a small window, so that a peer that does not read is soon noticed.
    pub(crate) fn connect_narrow(address: &Address) -> io::Result<Self> {
        let (address, certificate) = match address {
            Address::Tcp(address) => (address, None),
            Address::Tls(address, certificate) => (address, Some(certificate)),
            Address::Unix(_) => panic!("a narrow connection is a TCP one"),
        };
        let socket = Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
        socket.set_recv_buffer_size(4_096)?;
        socket.connect(&(*address).into())?;
        let wire = Self::Tcp(socket.into());
        wire.limit_writes(WRITE_LIMIT)?;
        match certificate {
            None => Ok(wire),
            Some(certificate) => wire.secured(Session::new(certificate, rustls::DEFAULT_VERSIONS)),
        }
    }

    /// The same wire with TLS on it.
    ///
    /// # Errors
    /// If the handshake fails.
    pub(crate) fn secured(self, session: Session) -> io::Result<Self> {
        let Self::Tcp(stream) = self else { panic!("TLS is spoken over TCP") };
        session.shake_hands(&stream)?;
        Ok(Self::Tls(stream, session))
    }

    /// A TCP connection from one of this machine's addresses; all of 127.0.0.0/8 are.
    pub(crate) fn connect_from(source: [u8; 4], address: &Address) -> io::Result<Self> {
        let Address::Tcp(address) = address else { panic!("only a TCP connection has a source") };
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect(&(*address).into())?;
        let wire = Self::Tcp(socket.into());
        wire.limit_writes(WRITE_LIMIT)?;
        Ok(wire)
    }

    fn limit_writes(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) | Self::Tls(stream, _) => stream.set_write_timeout(Some(limit)),
            Self::Unix(stream) => stream.set_write_timeout(Some(limit)),
        }
    }

    /// Reads what is there, or waits for it that long.
    ///
    /// # Errors
    /// `WouldBlock` if nothing came in time, or what ended the connection.
    pub(crate) fn read_within(&mut self, buffer: &mut [u8], limit: Duration) -> io::Result<usize> {
        // Zero would mean for ever.
        let limit = Some(limit.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(stream) | Self::Tls(stream, _) => stream.set_read_timeout(limit)?,
            Self::Unix(stream) => stream.set_read_timeout(limit)?,
        }
        loop {
            let read = match self {
                Self::Tcp(stream) => stream.read(buffer),
                Self::Tls(stream, session) => session.read(stream, buffer),
                Self::Unix(stream) => stream.read(buffer),
            };
            // A machine that was stopped for a while interrupts reads that have a time limit.
            if !read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
                return read;
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
            Self::Tls(stream, session) => session.write(stream, bytes),
        }
    }

    /// The same stream once more, for a thread that writes while another reads.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().expect("a descriptor is left")),
            Self::Unix(stream) => Self::Unix(stream.try_clone().expect("a descriptor is left")),
            Self::Tls(stream, session) => Self::Tls(stream.try_clone().expect("a descriptor is left"), session.clone()),
        }
    }

    /// Ends both directions, also for those who hold the same stream and are blocked on it.
    pub(crate) fn end(self) {
        // Fails only if the server has ended it.
        let _ended = match self {
            Self::Tcp(stream) | Self::Tls(stream, _) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    /// Breaks the connection off: RST instead of FIN.
    pub(crate) fn reset(self) {
        match self {
            Self::Tcp(stream) | Self::Tls(stream, _) => {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("linger is a socket option");
            }
            Self::Unix(_) => panic!("a Unix socket has no reset"),
        }
    }
}
