// Choosing camera and microphone, as soon as the browser tells their names.

import { byId } from './app.dom.js';

/**
 * @param {import('./app.state.js').Store} store
 * @param {(kind: Kind, deviceId: string) => void} choose
 */
export function createDeviceView({ state, subscribe }, choose) {
  const box = byId('devices', HTMLDetailsElement);
  const selects = { videoinput: byId('cameraSelect', HTMLSelectElement), audioinput: byId('micSelect', HTMLSelectElement) };
  let shownFor = /** @type {MediaStream | null} */ (null);

  selects.videoinput.addEventListener('change', () => choose('video', selects.videoinput.value));
  selects.audioinput.addEventListener('change', () => choose('audio', selects.audioinput.value));

  async function refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    for (const [kind, select] of Object.entries(selects)) {
      const track = state.localStream?.getTracks().find((item) => `${item.kind}input` === kind);
      const named = devices.filter((device) => device.kind === kind && device.label);
      select.replaceChildren(...named.map((device) => new Option(device.label, device.deviceId)));
      select.disabled = named.length < 2;
      select.value = track?.getSettings().deviceId ?? '';
    }
    box.hidden = !state.localStream;
  }

  navigator.mediaDevices?.addEventListener('devicechange', () => void refresh());
  subscribe(() => {
    if (state.localStream === shownFor) return;
    shownFor = state.localStream;
    void refresh();
  });
}
