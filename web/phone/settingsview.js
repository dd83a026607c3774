// Devices, how digits are sent, and whether the system tells of calls.

import { byId } from '../app.dom.js';
import { askToNotify, canNotify } from './notify.js';

/**
 * @typedef {import('./memory.js').Settings} Settings
 * @typedef {{ changed(what: keyof Settings): void }} SettingsActions
 */

const LISTS = /** @type {const} */ ([
  { name: 'microphone', id: 'micSelect', kind: 'audioinput', first: 'Default microphone' },
  { name: 'camera', id: 'cameraSelect', kind: 'videoinput', first: 'Default camera' },
  { name: 'speaker', id: 'speakerSelect', kind: 'audiooutput', first: 'Default loudspeaker' }
]);

/**
 * @param {Settings} settings changed in place
 * @param {SettingsActions} actions
 */
export function createSettingsView(settings, actions) {
  const tones = byId('tonesSelect', HTMLSelectElement);
  tones.value = settings.tones;
  tones.addEventListener('change', () => {
    settings.tones = tones.value === 'rfc4733' ? 'rfc4733' : 'info';
    actions.changed('tones');
  });
  const notify = byId('notify', HTMLInputElement);
  byId('notifyField', HTMLElement).hidden = !canNotify();
  notify.checked = settings.notify && canNotify() && Notification.permission === 'granted';
  notify.addEventListener('change', async () => {
    // The box says what is the case, not what was wished.
    if (notify.checked) notify.checked = await askToNotify();
    settings.notify = notify.checked;
    actions.changed('notify');
  });
  for (const { name, id } of LISTS) {
    const list = byId(id, HTMLSelectElement);
    list.addEventListener('change', () => {
      settings[name] = list.value;
      actions.changed(name);
    });
  }
  byId('speakerField', HTMLElement).hidden = !('setSinkId' in HTMLMediaElement.prototype);

  async function renderDevices() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    for (const { name, id, kind, first } of LISTS) {
      const list = byId(id, HTMLSelectElement);
      // Names come only after permission.
      const named = all.filter((device) => device.kind === kind && device.label && device.deviceId !== 'default');
      const items = [{ deviceId: '', label: first }, ...named];
      const same = list.options.length === items.length && items.every(({ deviceId }, index) => list.options[index].value === deviceId);
      // An open list would close.
      if (!same) list.replaceChildren(...items.map(({ deviceId, label }) => new Option(label, deviceId)));
      list.value = items.some(({ deviceId }) => deviceId === settings[name]) ? settings[name] : '';
    }
  }

  navigator.mediaDevices?.addEventListener('devicechange', () => void renderDevices());
  return { renderDevices };
}
