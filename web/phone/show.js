// What the page shows of connection, account and calls: their state in, words and switches for the views out.

import { shortAddress } from './address.js';
import * as texts from './texts.js';

/**
 * @typedef {import('./call.js').Call} Call
 * @typedef {{
 *   error: string, note: string, lineDismissed: boolean, dismissedIssue: string, settled: boolean, padOpen: boolean, newCall: boolean, silent: boolean
 * }} Ui what only the page knows. `settled`: the account works, or may yet without the user’s help; `silent`: nothing arrives in the present call
 * @typedef {{
 *   client: import('./client.js').GatewayClient, account: import('./account.js').PhoneAccount, calls: import('./calls.js').Calls,
 *   devices: import('./devices.js').Devices, history: import('./history.js').History, settings: import('./memory.js').Settings, ui: Ui,
 *   views: {
 *     frame: ReturnType<typeof import('./view.js').createView>, account: ReturnType<typeof import('./accountview.js').createAccountView>,
 *     dial: ReturnType<typeof import('./dialview.js').createDialView>, call: ReturnType<typeof import('./callview.js').createCallView>,
 *     history: ReturnType<typeof import('./historyview.js').createHistoryView>
 *   }
 * }} Shown
 */

/** @param {Call} call */
const connectionOf = (call) => call.leg?.pc.connectionState ?? 'new';

/** @param {Shown} shown */
export function createShow({ client, account, calls, devices, history, settings, ui, views }) {
  const domain = () => account.identity?.domain ?? '';
  /** @param {{ uri: string, name: string }} person */
  const whoOf = (person) => texts.whoText(person, domain());

  /** The address, if it says more than the name. @param {Call} call */
  function addressOf(call) {
    const address = shortAddress(call.uri, domain());
    return address.toLowerCase() === whoOf(call).toLowerCase() ? '' : address;
  }

  /** @param {Call} call */
  function wordsOf(call) {
    const silent = ui.silent && call.phase === 'active' && !call.held && !call.heldByThem && connectionOf(call) === 'connected';
    return { state: texts.callText(call, connectionOf(call)), timer: texts.timerText(call, Date.now()), note: silent ? texts.silentText(whoOf(call)) : '' };
  }

  function rowsOf() {
    const { running, current } = calls;
    return running.map((call) => ({ id: call.id, who: whoOf(call), ...wordsOf(call), current: call === current, canResume: call !== current }));
  }

  function lineText() {
    const { state: link, delay, wasOnline, closeReason } = client;
    return texts.lineText({ link, delay, wasOnline, closeReason, registration: account.state, reason: account.reason, domain: domain() });
  }

  /**
   * @param {Call} call that rings
   * @returns {NonNullable<import('./view.js').Frame['incoming']>}
   */
  function incomingFrame(call) {
    const { current } = calls;
    const answered = current?.phase === 'active' || current?.phase === 'answering';
    return {
      who: whoOf(call),
      address: addressOf(call),
      video: call.offersVideo,
      others: current === null || current.held ? '' : answered ? 'hold' : 'end',
      more: calls.list.filter(({ phase }) => phase === 'incoming').length - 1
    };
  }

  /** @param {import('./history.js').Entry[]} entries */
  function renderFrame(entries) {
    const { current, incoming, running } = calls;
    const { identity } = account;
    const situation = { link: client.state, registration: account.state, signedIn: identity !== null };
    const view = running.length > 0 ? 'call' : ui.settled && identity ? 'idle' : 'account';
    views.frame.render({
      view,
      state: texts.stateOf({ ...situation, incoming, current }),
      texts: {
        account: identity && !ui.lineDismissed ? lineText() : '',
        error: ui.error,
        media: devices.issue === ui.dismissedIssue ? '' : devices.issue,
        note: ui.note
      },
      canRetry: ui.settled || client.state === 'waiting',
      canOpen: Boolean(navigator.mediaDevices),
      incoming: incoming && incomingFrame(incoming),
      missed: entries.filter(({ seen }) => !seen).length
    });
    const line = texts.stateOf({ ...situation, incoming: null, current: null });
    views.account.render(identity, line.text, identity !== null && (line.state === 'connecting' || line.state === 'registering'));
    return view;
  }

  /** @param {Call | null} current */
  function renderCall(current) {
    const { audio, video } = devices.tracks();
    const active = current?.phase === 'active';
    const heard = current !== null && !current.held && (active || current.phase === 'early');
    const redial = history.redial(account.identity?.address ?? '');
    const rows = rowsOf();
    const stage = current && {
      id: current.id, phase: current.phase, who: whoOf(current), address: addressOf(current), ...wordsOf(current),
      held: current.held, canHold: active, listening: heard, remote: current.leg?.remote ?? null,
      own: current.video && !current.held && !devices.hidden ? video : null
    };
    views.call.render({
      call: stage,
      rows,
      muted: devices.muted,
      canMute: audio !== null,
      camera: !current?.video ? 'none' : devices.hidden ? 'off' : 'on',
      canCamera: current !== null && !current.held && (current.video ? video !== null : active && !current.changing),
      canAdd: active,
      padOpen: ui.padOpen,
      newOpen: ui.newCall,
      speaker: settings.speaker
    });
    views.call.tick(stage, rows);
    views.dial.render({
      call: current?.id ?? '', open: ui.padOpen || ui.newCall, mode: current && !ui.newCall ? 'tones' : 'dial', enabled: heard,
      redial, redialName: shortAddress(redial, domain())
    });
  }

  return {
    domain,
    whoOf,

    render() {
      const before = document.body.dataset.view;
      const answering = Boolean(document.activeElement?.closest('#incoming'));
      const entries = history.of(account.identity?.address ?? '');
      const view = renderFrame(entries);
      renderCall(calls.current);
      views.history.render(
        entries.map((entry) => ({
          uri: entry.uri, who: whoOf(entry), text: texts.historyText(entry, new Date()), outgoing: entry.outgoing,
          missed: entry.outcome === 'missed', fresh: !entry.seen
        }))
      );
      // What had the focus may be gone.
      const focused = document.activeElement;
      const gone = !focused || focused === document.body || focused.checkVisibility?.() === false;
      if (!gone || (before === view && !answering)) return;
      views[view === 'call' ? 'call' : view === 'idle' ? 'dial' : 'account'].focus();
    },

    /** What changes by itself. */
    tick() {
      const { current } = calls;
      if (current) views.call.tick(wordsOf(current), rowsOf());
    }
  };
}
