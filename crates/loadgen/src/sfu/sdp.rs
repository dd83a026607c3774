//! The few lines of a description that a receiver without a media engine has to know.

const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// What the numbers in RTP headers mean on one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Payload types of pictures.
    pub(crate) video: Vec<u8>,
    /// Payload types of sound.
    pub(crate) audio: Vec<u8>,
    /// Payload types of retransmissions.
    pub(crate) rtx: Vec<u8>,
    /// The SSRC of a stream's retransmissions, and the stream's.
    pub(crate) repairs: Vec<(u32, u32)>,
    /// Id of the header extension with the transport-wide number.
    pub(crate) transport_cc: Option<u8>,
}

impl Numbers {
    /// Reads a description; where numbers differ between the two, the answer's hold.
    pub(crate) fn read(sdp: &str) -> Self {
        let mut numbers = Self::default();
        for line in sdp.lines() {
            if let Some(map) = line.strip_prefix("a=rtpmap:") {
                numbers.payload_type(map);
            } else if let Some(map) = line.strip_prefix("a=extmap:") {
                numbers.extension(map);
            } else if let Some(group) = line.strip_prefix("a=ssrc-group:FID ") {
                let mut ssrcs = group.split_whitespace().filter_map(|ssrc| ssrc.parse().ok());
                if let (Some(media), Some(repair)) = (ssrcs.next(), ssrcs.next()) {
                    numbers.repairs.push((repair, media));
                }
            }
        }
        numbers
    }

    fn payload_type(&mut self, map: &str) {
        let Some((number, codec)) = map.split_once(' ') else { return };
        let Ok(number) = number.parse() else { return };
        let name = codec.split('/').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "vp8" => self.video.push(number),
            "opus" => self.audio.push(number),
            "rtx" => self.rtx.push(number),
            _ => {}
        }
    }

    fn extension(&mut self, map: &str) {
        if let Some((id, uri)) = map.split_once(' ')
            && uri.trim_end() == TRANSPORT_CC
        {
            // `3/recvonly` has a direction behind the number.
            self.transport_cc = id.split('/').next().and_then(|id| id.parse().ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found() {
        let sdp = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
            a=extmap:3/sendonly http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
            a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtpmap:x VP8/90000\r\n\
            a=ssrc-group:FID 10 11\r\na=ssrc-group:FID 12\r\n";
        let wanted = Numbers {
            video: vec![96],
            audio: vec![111],
            rtx: vec![97],
            repairs: vec![(11, 10)],
            transport_cc: Some(3),
        };
        assert_eq!(Numbers::read(sdp), wanted);
        assert_eq!(Numbers::read(""), Numbers::default());
    }
}
