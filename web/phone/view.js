// The frame of the page: state, messages, who rings. Text is set as text, never as markup.

import { byId, setText } from '../app.dom.js';

/**
 * @typedef {'account' | 'error' | 'media' | 'note'} Banner
 * @typedef {{
 *   view: 'account' | 'idle' | 'call', state: { state: string, text: string }, texts: Record<Banner, string>, canRetry: boolean, canOpen: boolean,
 *   incoming: { who: string, address: string, video: boolean, others: '' | 'hold' | 'end', more: number } | null, missed: number
 * }} Frame `others`: what becomes of the present call if the new one is answered; `canOpen`: the browser has devices to ask for
 * @typedef {{
 *   retry(): void, retryMedia(): void, dismiss(banner: Banner): void, answer(video: boolean): void, decline(): void
 * }} FrameActions
 */

const TOAST_MS = 5000;
const BANNERS = /** @type {const} */ (['account', 'error', 'media', 'note']);
const ANSWERS = { '': 'Answer', hold: 'Hold and answer', end: 'End and answer' };

/** Is somebody in a field? Then keys are theirs. */
export function isTyping() {
  return document.activeElement instanceof HTMLInputElement || document.activeElement instanceof HTMLSelectElement;
}

/** Enter presses what has the focus. */
const isPressable = () => Boolean(document.activeElement?.closest('button, summary, a'));

/** An empty field has nothing that Enter or Escape could be meant for. */
function isFree() {
  const focused = document.activeElement;
  return !isTyping() || (focused instanceof HTMLInputElement && focused.type !== 'checkbox' && focused.value === '');
}

/** @param {FrameActions} actions */
export function createView(actions) {
  const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
  const page = {
    status: byId('status', HTMLElement), retry: button('retry'), mediaRetry: button('mediaRetry'), toast: byId('toast', HTMLElement),
    incoming: byId('incoming', HTMLElement), initial: byId('callerInitial', HTMLElement), caller: byId('caller', HTMLElement),
    verb: byId('incomingVerb', HTMLElement), address: byId('incomingAddress', HTMLElement),
    decline: button('decline'), answer: button('answer'), answerVideo: button('answerVideo')
  };
  const banners = BANNERS.map((when) => ({ when, text: byId(when === 'account' ? 'accountIssue' : when, HTMLElement) }));
  const title = document.title;
  let toastTimer = 0;
  let rings = false;

  page.retry.addEventListener('click', actions.retry);
  page.mediaRetry.addEventListener('click', actions.retryMedia);
  page.answer.addEventListener('click', () => actions.answer(false));
  page.answerVideo.addEventListener('click', () => actions.answer(true));
  page.decline.addEventListener('click', actions.decline);
  document.addEventListener('click', ({ target }) => {
    const when = target instanceof Element ? target.closest('[data-dismiss]')?.parentElement?.dataset.when : undefined;
    const banner = BANNERS.find((name) => name === when);
    if (banner) actions.dismiss(banner);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && rings && isFree()) {
      actions.decline();
      event.preventDefault();
    } else if (event.key === 'Escape') {
      for (const banner of /** @type {const} */ (['error', 'note'])) actions.dismiss(banner);
    } else if (event.key === 'Enter' && rings && isFree() && !isPressable()) {
      actions.answer(false);
      event.preventDefault();
    }
  });

  /** @param {Frame['incoming']} incoming */
  function renderIncoming(incoming) {
    rings = incoming !== null;
    page.incoming.hidden = !incoming;
    if (!incoming) return;
    const { who, address, video, others, more } = incoming;
    setText(page.caller, who);
    setText(page.initial, who.slice(0, 1).toUpperCase());
    setText(page.verb, video ? 'is calling with video' : 'is calling');
    setText(page.address, [address, more > 0 ? `and ${more} more` : ''].filter(Boolean).join(' · '));
    setText(/** @type {Element} */ (page.answer.lastElementChild), ANSWERS[others]);
    page.answerVideo.hidden = !video;
    setText(/** @type {Element} */ (page.answerVideo.lastElementChild), others === '' ? 'Answer with video' : 'With video');
  }

  return {
    /** @param {Frame} frame */
    render({ view, state, texts, canRetry, canOpen, incoming, missed }) {
      document.body.dataset.view = view;
      setText(page.status, state.text);
      page.status.dataset.state = state.state;
      for (const { when, text } of banners) {
        /** @type {HTMLElement} */ (text.closest('[data-when]')).hidden = texts[when] === '';
        setText(text, texts[when]);
      }
      page.retry.hidden = !canRetry;
      page.mediaRetry.hidden = !canOpen;
      renderIncoming(incoming);
      document.title = incoming ? `${incoming.who} is calling` : missed > 0 ? `(${missed}) ${title}` : title;
    },

    /** @param {string} text */
    toast(text) {
      setText(page.toast, text);
      window.clearTimeout(toastTimer);
      toastTimer = window.setTimeout(() => setText(page.toast, ''), TOAST_MS);
    }
  };
}
