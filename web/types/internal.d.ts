// Types the modules share among themselves. Nothing here is documented or promised.

type RoomState = AppState['roomState'];
type Kind = 'audio' | 'video';

/** A peer with what the page needs beyond the documented fields. */
interface RoomPeer extends Peer {
  remoteStream: MediaStream | null;
  /** Every chat channel of the connection: after two simultaneous calls there are two. */
  channels: Set<RTCDataChannel>;
  chatOpen: boolean;
  senders: { audio?: RTCRtpSender; video?: RTCRtpSender };
  /** Was the connection ever up? Decides how a failure is explained. */
  established: boolean;
  /** Our offer was rolled back in favour of theirs: make it again afterwards. */
  offerAgain: boolean;
  restartTimer: number;
  /** One description or candidate at a time, in the order they came. */
  queue: Promise<void>;
}

/** What the page knows beyond the documented state. */
interface View {
  members: string[];
  error: string;
  /** Why own sound or picture is missing, '' while nothing is. */
  mediaIssue: string;
  mediaPending: boolean;
  recordingSince: number;
}

interface LiveState extends AppState {
  peers: Map<string, RoomPeer>;
}
