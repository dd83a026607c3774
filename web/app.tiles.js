// The videos: one tile per call, plus the own picture.

import { byId, create, setText } from './app.dom.js';
import { gridFor } from './app.grid.js';
import { callText } from './app.status.js';

/** @param {import('./app.state.js').Store} store */
export function createTiles({ state }) {
  const videos = byId('videos', HTMLElement);
  const local = byId('local', HTMLVideoElement);
  /** @type {Map<string, ReturnType<typeof createTile>>} */
  const tiles = new Map();
  new ResizeObserver(layOut).observe(videos);

  /** @param {string} id */
  function createTile(id) {
    const tile = create('div', 'video-tile');
    tile.dataset.peer = id;
    const video = create('video', '');
    video.autoplay = true;
    video.playsInline = true;
    video.setAttribute('aria-label', `Picture of ${id}`);
    const cover = create('div', 'tile-cover');
    const avatar = create('span', 'avatar', id.slice(0, 1).toUpperCase());
    avatar.setAttribute('aria-hidden', 'true');
    const note = create('span', 'tile-note');
    cover.append(avatar, note);
    const label = create('div', 'tile-label', id);
    const stats = create('div', 'tile-stats');
    const play = create('button', 'button button-primary tile-play', 'Play');
    play.type = 'button';
    play.hidden = true;
    play.setAttribute('aria-label', `Play sound and picture of ${id}`);
    play.addEventListener('click', () => void startPlaying(video, play));
    tile.append(video, cover, label, stats, play);
    videos.append(tile);
    return { tile, video, cover, note, label, stats, play };
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLButtonElement} play
   */
  async function startPlaying(video, play) {
    try {
      await video.play();
      play.hidden = true;
    } catch (error) {
      // Browsers refuse sound on a page nobody has touched yet; a click on the tile is that touch.
      play.hidden = !(error instanceof DOMException && error.name === 'NotAllowedError');
    }
  }

  function layOut() {
    const remotes = tiles.size;
    videos.dataset.remotes = String(Math.min(remotes, 2));
    // With one other person the own picture lies in a corner of theirs.
    const { columns, rows } = gridFor(remotes <= 1 ? 1 : remotes + 1, videos.clientWidth, videos.clientHeight);
    videos.style.setProperty('--columns', String(columns));
    videos.style.setProperty('--rows', String(rows));
  }

  /** @param {RoomPeer} peer */
  function renderPeer(peer) {
    const entry = tiles.get(peer.id) ?? createTile(peer.id);
    tiles.set(peer.id, entry);
    const { tile, video, note, play } = entry;
    if (video.srcObject !== peer.remoteStream) {
      video.srcObject = peer.remoteStream;
      if (peer.remoteStream) void startPlaying(video, play);
    }
    const connection = peer.pc.connectionState;
    const seen = peer.remoteStream?.getVideoTracks().some((track) => !track.muted && track.readyState === 'live') ?? false;
    tile.classList.toggle('has-video', seen);
    tile.dataset.connection = connection;
    setText(note, connection === 'connected' ? 'No picture' : callText(connection));
    tile.classList.toggle('is-weak', seen && connection !== 'connected');
    setText(entry.label, connection === 'connected' || !seen ? peer.id : `${peer.id} · ${callText(connection)}`);
  }

  function renderLocal() {
    const shown = state.screenStream ?? state.localStream;
    if (local.srcObject !== shown) local.srcObject = shown;
    const tile = /** @type {HTMLElement} */ (local.parentElement);
    const picture = Boolean(state.screenStream) || (Boolean(state.localStream?.getVideoTracks().length) && !state.cameraOff);
    tile.classList.toggle('has-video', picture);
    tile.classList.toggle('is-screen', state.usingScreen);
  }

  return {
    render() {
      for (const [id, { tile, video }] of tiles) {
        if (state.peers.has(id)) continue;
        video.srcObject = null;
        tile.remove();
        tiles.delete(id);
      }
      for (const peer of state.peers.values()) renderPeer(peer);
      renderLocal();
      layOut();
    },

    /**
     * @param {string} id
     * @param {import('./app.stats.js').Figures} figures
     */
    showStats(id, { sent, size, codec, loss, rtt }) {
      const stats = tiles.get(id)?.stats;
      if (!stats) return;
      const parts = [sent && `↑ ${sent}`, size, codec, loss && `loss ${loss}`, rtt && `RTT ${rtt}`];
      stats.replaceChildren(...parts.filter(Boolean).map((text) => create('span', '', text)));
    }
  };
}
