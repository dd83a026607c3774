// The dial pad: whom to call, and digits during a call. Keys of the keyboard do the same as those on the screen.

import { byId, create, setText } from '../app.dom.js';
import { isTyping } from './view.js';

/**
 * @typedef {{ call: string, open: boolean, mode: 'dial' | 'tones', enabled: boolean, redial: string, redialName: string }} DialState
 *   `call`: its id, '' outside of calls; `tones`: digits go to the other side; `open`: shown on narrow screens, too; `enabled`: tones would be heard
 * @typedef {{ dial(typed: string, video: boolean): void, tone(digit: string): void, key(digit: string): void, close(): void }} DialActions
 */

const KEYS = ['1', '2 ABC', '3 DEF', '4 GHI', '5 JKL', '6 MNO', '7 PQRS', '8 TUV', '9 WXYZ', '*', '0 +', '#'];
const NAMES = /** @type {Record<string, string>} */ ({ '*': 'star', '#': 'hash' });
/** Holding zero that long is a plus, as on every telephone. */
const PLUS_MS = 600;
/** What has been sent is shown to this length. */
const SHOWN = 24;

/**
 * @param {string} to filled in at the start
 * @param {DialActions} actions
 */
export function createDialView(to, actions) {
  const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
  const page = {
    card: byId('dialCard', HTMLElement), title: byId('dialTitle', HTMLElement), close: button('dialClose'),
    form: byId('dialForm', HTMLFormElement), to: byId('to', HTMLInputElement), erase: button('erase'),
    tones: byId('tones', HTMLOutputElement), pad: byId('pad', HTMLElement),
    call: button('call'), video: button('callVideo'), redial: button('redial'), redialName: byId('redialName', HTMLElement)
  };
  /** @type {DialState} */
  let state = { call: '', open: false, mode: 'dial', enabled: false, redial: '', redialName: '' };
  let sent = '';
  page.to.value = to;

  /** @param {string} text */
  function insert(text) {
    const { selectionStart, selectionEnd, value } = page.to;
    page.to.setRangeText(text, selectionStart ?? value.length, selectionEnd ?? value.length, 'end');
    render();
  }

  /** @param {string} digit */
  function press(digit) {
    const key = [...page.pad.children].find((item) => item instanceof HTMLElement && item.dataset.digit === digit);
    key?.classList.add('is-pressed');
    window.setTimeout(() => key?.classList.remove('is-pressed'), 120);
    if (state.mode === 'dial') {
      actions.key(digit);
      return insert(digit);
    }
    if (!state.enabled) return;
    sent = `${sent}${digit}`.slice(-SHOWN);
    actions.tone(digit);
    render();
  }

  for (const key of KEYS) {
    const [digit, letters = ''] = key.split(' ');
    const item = create('button', 'key');
    item.type = 'button';
    item.dataset.digit = digit;
    item.setAttribute('aria-label', NAMES[digit] ?? (digit === '0' ? '0, hold for plus' : digit));
    item.append(create('span', 'key-digit', digit), create('span', 'key-letters', letters));
    let plusTimer = 0;
    let plus = false;
    if (digit === '0') {
      item.addEventListener('pointerdown', () => {
        plus = false;
        plusTimer = window.setTimeout(() => {
          if (state.mode !== 'dial') return;
          plus = true;
          insert('+');
        }, PLUS_MS);
      });
      for (const event of ['pointerup', 'pointerleave', 'pointercancel']) item.addEventListener(event, () => window.clearTimeout(plusTimer));
    }
    item.addEventListener('click', () => {
      if (!plus) press(digit);
      plus = false;
    });
    page.pad.append(item);
  }

  /** @param {boolean} video */
  function dial(video) {
    // An empty field and “Call”: telephones bring back the last number.
    if (!page.to.value.trim() && state.redial) {
      page.to.value = state.redialName;
      render();
      return page.to.focus();
    }
    actions.dial(page.to.value, video);
  }

  page.form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (state.mode === 'dial') dial(false);
  });
  page.video.addEventListener('click', () => dial(true));
  page.redial.addEventListener('click', () => actions.dial(state.redial, false));
  page.close.addEventListener('click', actions.close);
  page.to.addEventListener('input', render);
  page.erase.addEventListener('click', () => {
    const { selectionStart, selectionEnd, value } = page.to;
    const end = selectionEnd ?? value.length;
    const start = selectionStart === end ? Math.max(0, end - 1) : (selectionStart ?? end);
    page.to.setRangeText('', start, end, 'end');
    render();
    page.to.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping() || document.body.dataset.view === 'account') return;
    if (/^[0-9*#]$/.test(event.key)) press(event.key);
    else if (state.mode === 'dial' && event.key === '+') insert('+');
    else if (state.mode === 'dial' && event.key === 'Backspace' && page.to.value) page.erase.click();
    else return;
    event.preventDefault();
  });

  function render() {
    const dialling = state.mode === 'dial';
    page.card.dataset.mode = state.mode;
    page.card.dataset.open = String(state.open);
    setText(page.title, !state.call ? 'Call' : dialling ? 'New call' : 'Keypad');
    page.close.hidden = !state.call || !state.open;
    page.erase.hidden = page.to.value === '';
    setText(page.tones, sent || 'Digits go to the other side');
    page.tones.classList.toggle('is-empty', sent === '');
    for (const key of page.pad.querySelectorAll('button')) key.disabled = !dialling && !state.enabled;
    page.redial.hidden = !dialling || state.redial === '' || page.to.value !== '';
    setText(page.redialName, state.redialName);
  }

  return {
    /** @param {DialState} next */
    render(next) {
      if (next.call !== state.call) sent = '';
      state = next;
      render();
    },

    /** @param {string} address */
    fill(address) {
      page.to.value = address;
      render();
      page.form.scrollIntoView({ block: 'nearest' });
      this.focus();
    },

    /** Where dialling begins. On a touch screen that is the pad: the field would bring up a keyboard over it. */
    focus() {
      (matchMedia('(pointer: coarse)').matches ? page.card : page.to).focus({ preventScroll: true });
    },

    /** The field needs attention. */
    ask() {
      page.to.focus();
    },

    clear() {
      page.to.value = '';
      render();
    }
  };
}
