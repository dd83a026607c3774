// The public types of the room app: the documented interfaces, then what the page puts on `window`.

interface Message {
  type: string;
  room?: string;
  from?: string;
  to?: string;
  sdp?: RTCSessionDescriptionInit;
  candidate?: RTCIceCandidateInit;
  members?: string[];
  code?: string;
  error?: string;
}

interface Peer {
  id: string;
  pc: RTCPeerConnection;
  polite: boolean;
  makingOffer: boolean;
  ignoreOffer: boolean;
  pendingCandidates: RTCIceCandidateInit[];
  dc?: RTCDataChannel;
}

interface AppState {
  myId: string;
  ws: WebSocket | null;
  roomId: string;
  roomState: 'idle' | 'connecting' | 'joined' | 'reconnecting' | 'calling';
  localStream: MediaStream | null;
  screenStream: MediaStream | null;
  usingScreen: boolean;
  muted: boolean;
  cameraOff: boolean;
  peers: Map<string, Peer>;
  recorder: MediaRecorder | null;
  recordedChunks: Blob[];
}

/** What `/config.js` may hold. */
interface AppConfig {
  rtcConfig?: RTCConfiguration;
}

interface Window {
  __APP_CONFIG__?: AppConfig;
  readonly state: AppState;
  connect: (roomId: string, myId?: string) => void;
  disconnect: () => void;
  callPeer: (peerId: string) => void;
  hangupPeer: (peerId: string) => void;
  hangupAll: () => void;
  toggleMute: () => void;
  toggleCamera: () => void;
  startScreenShare: () => Promise<void>;
  stopScreenShare: () => void;
  startRecording: () => void;
  stopRecording: () => void;
  sendChat: (text: string) => boolean;
  setRoomState: (state: AppState['roomState']) => void;
}
