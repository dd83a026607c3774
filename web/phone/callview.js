// The call on the stage, its buttons, and the other calls that wait.

import { byId, create, setText } from '../app.dom.js';

/**
 * @typedef {{
 *   id: string, phase: string, who: string, address: string, state: string, timer: string, note: string, held: boolean, canHold: boolean, listening: boolean,
 *   remote: MediaStream | null, own: MediaStreamTrack | null
 * }} StageCall `note`: what else there is to say; `listening`: its sound is to be heard
 * @typedef {{ id: string, who: string, state: string, timer: string, current: boolean, canResume: boolean }} CallRow
 * @typedef {{
 *   call: StageCall | null, rows: CallRow[], muted: boolean, canMute: boolean, camera: 'none' | 'on' | 'off', canCamera: boolean, canAdd: boolean,
 *   padOpen: boolean, newOpen: boolean, speaker: string
 * }} CallState `camera`: `none`, the call has no picture of ours
 * @typedef {{
 *   mute(): void, camera(): void, hold(): void, pad(): void, newCall(): void, hangUp(): void, switchTo(id: string): void, end(id: string): void
 * }} CallActions
 */

/** @param {CallActions} actions */
export function createCallView(actions) {
  const element = (/** @type {string} */ id) => byId(id, HTMLElement);
  const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
  const page = {
    screen: element('screen'), remote: byId('remote', HTMLVideoElement), ownTile: element('ownTile'), own: byId('own', HTMLVideoElement),
    avatar: element('avatar'), who: element('who'), address: element('whoAddress'), state: element('callState'), timer: element('callTimer'), note: element('callNote'),
    barWho: element('barWho'), barState: element('barState'), play: button('playBtn'),
    mute: button('muteBtn'), camera: button('cameraBtn'), cameraText: element('cameraText'), hold: button('holdBtn'), pad: button('padBtn'),
    add: button('newBtn'), end: button('endBtn'), card: element('callsCard'), list: element('calls')
  };
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  let sink = '';

  page.mute.addEventListener('click', actions.mute);
  page.camera.addEventListener('click', actions.camera);
  page.hold.addEventListener('click', actions.hold);
  page.pad.addEventListener('click', actions.pad);
  page.add.addEventListener('click', actions.newCall);
  page.end.addEventListener('click', actions.hangUp);
  page.play.addEventListener('click', play);
  for (const event of ['resize', 'loadeddata', 'emptied']) page.remote.addEventListener(event, showPicture);

  function play() {
    page.remote.play().then(
      () => (page.play.hidden = true),
      // AbortError: the next stream came in between, and plays by itself.
      (error) => (page.play.hidden = error.name !== 'NotAllowedError')
    );
  }

  /** A picture that is announced but does not come is none. */
  function showPicture() {
    const stream = /** @type {MediaStream | null} */ (page.remote.srcObject);
    const comes = stream?.getVideoTracks().some(({ muted, readyState }) => !muted && readyState === 'live') ?? false;
    page.screen.classList.toggle('has-video', comes && page.remote.videoWidth > 0 && !page.remote.muted);
  }

  /** @param {string} id */
  function createRow(id) {
    const row = create('li', 'call-row');
    row.dataset.session = id;
    const who = create('span', 'call-who');
    const state = create('span', 'call-row-state');
    const resume = create('button', 'button', 'Switch');
    const end = create('button', 'button button-danger', 'End');
    resume.type = end.type = 'button';
    resume.addEventListener('click', () => actions.switchTo(id));
    end.addEventListener('click', () => actions.end(id));
    const words = create('div', 'call-words');
    words.append(who, state);
    row.append(words, resume, end);
    page.list.append(row);
    return { row, who, state, resume, end };
  }

  /** @param {CallRow[]} shown */
  function renderRows(shown) {
    page.card.hidden = shown.length < 2;
    for (const [id, { row }] of rows) {
      if (shown.some((item) => item.id === id)) continue;
      row.remove();
      rows.delete(id);
    }
    for (const item of shown) {
      const entry = rows.get(item.id) ?? createRow(item.id);
      rows.set(item.id, entry);
      setText(entry.who, item.who);
      entry.row.classList.toggle('is-current', item.current);
      entry.resume.hidden = !item.canResume;
      entry.resume.setAttribute('aria-label', `Switch to ${item.who}`);
      entry.end.setAttribute('aria-label', `End the call with ${item.who}`);
    }
  }

  /** @param {StageCall | null} call */
  function renderStage(call) {
    if (page.remote.srcObject !== (call?.remote ?? null)) {
      page.remote.srcObject = call?.remote ?? null;
      page.play.hidden = true;
      if (call?.remote) play();
    }
    page.remote.muted = !call?.listening;
    const shown = /** @type {MediaStream | null} */ (page.own.srcObject)?.getVideoTracks()[0] ?? null;
    const own = call?.own ?? null;
    if (shown !== own) page.own.srcObject = own ? new MediaStream([own]) : null;
    page.ownTile.hidden = !own;
    page.ownTile.classList.toggle('is-mirrored', own !== null && own.getSettings().facingMode !== 'environment');
    showPicture();
    if (!call) return;
    page.screen.dataset.call = call.phase;
    setText(page.avatar, call.who.slice(0, 1).toUpperCase());
    setText(page.who, call.who);
    setText(page.address, call.address);
    setText(page.barWho, call.who);
    page.remote.setAttribute('aria-label', `Picture of ${call.who}`);
  }

  return {
    /** @param {CallState} state */
    render({ call, rows: shown, muted, canMute, camera, canCamera, canAdd, padOpen, newOpen, speaker }) {
      renderStage(call);
      renderRows(shown);
      page.mute.setAttribute('aria-pressed', String(muted));
      page.mute.disabled = !canMute;
      page.camera.setAttribute('aria-pressed', String(camera === 'off'));
      page.camera.disabled = !canCamera;
      setText(page.cameraText, camera === 'none' ? 'Add video' : 'Camera off');
      page.hold.setAttribute('aria-pressed', String(call?.held ?? false));
      page.hold.disabled = !call?.canHold;
      setText(/** @type {Element} */ (page.hold.lastElementChild), call?.held ? 'Resume' : 'Hold');
      page.add.disabled = !canAdd;
      page.pad.setAttribute('aria-expanded', String(padOpen));
      page.add.setAttribute('aria-expanded', String(newOpen));
      if (speaker !== sink && 'setSinkId' in page.remote) {
        sink = speaker;
        page.remote.setSinkId(speaker).catch((error) => console.warn('no such loudspeaker', error));
      }
    },

    /**
     * What changes by itself. Nobody wants the seconds read aloud, so they stand beside the live region, not in it.
     * @param {Pick<StageCall, 'state' | 'timer' | 'note'> | null} call
     * @param {CallRow[]} shown
     */
    tick(call, shown) {
      if (call) {
        setText(page.state, call.state);
        setText(page.timer, call.timer);
        setText(page.note, call.note);
        setText(page.barState, [call.timer, call.state].filter(Boolean).join(' · '));
      }
      for (const { id, state, timer } of shown) {
        const row = rows.get(id);
        if (row) setText(row.state, [state, timer].filter(Boolean).join(' · '));
      }
    },

    /** What had the focus is gone. Not to a button: a second Enter would press it. */
    focus() {
      page.screen.focus({ preventScroll: true });
    }
  };
}
