// What stands on the picture when there is something to say. No DOM.

/**
 * @typedef {{
 *   mode: import('./line.js').Mode, line: import('./line.js').LineState, choice: { source: 'camera' | 'screen' },
 *   hasPicture: boolean, open: boolean, opening: boolean, hidden: boolean, hasTracks: boolean, silent: boolean, blocked: boolean, waiting: string
 * }} StageState `open`: own devices are on; `hasTracks`: the watched stream has picture or sound
 */

/**
 * @param {StageState} state
 * @returns {{ note: string, button: string }}
 */
export function stageOf(state) {
  return state.mode === 'publish' ? publishing(state) : watching(state);
}

/** @param {StageState} state */
function publishing({ line, choice, hasPicture, open, opening, hidden, waiting }) {
  const screen = choice.source === 'screen';
  if (opening) return { note: 'Please answer the browser’s question.', button: '' };
  if (!open) {
    return screen
      ? { note: 'No screen is chosen yet', button: 'Choose a screen' }
      : { note: 'Your camera is not on yet', button: 'Turn on camera' };
  }
  if (line === 'restoring' || line === 'retrying') return { note: waiting, button: '' };
  if (hidden) return { note: 'Your picture is off', button: '' };
  return { note: hasPicture ? '' : 'Sound only', button: '' };
}

/** @param {StageState} state */
function watching({ line, hasPicture, hasTracks, silent, blocked, waiting }) {
  switch (line) {
    case 'idle':
      return { note: 'Enter the name of a stream, then press “Watch”', button: '' };
    case 'failed':
      return { note: 'Stopped', button: '' };
    case 'connecting':
      return { note: 'Connecting…', button: '' };
    case 'live':
      break;
    default:
      return { note: waiting, button: '' };
  }
  if (blocked) return { note: '', button: 'Play' };
  if (silent) return { note: 'Nothing arrives at the moment. The publisher’s network may be slow.', button: '' };
  if (hasPicture) return { note: '', button: '' };
  return { note: hasTracks ? 'Waiting for the first picture' : 'Waiting for sound and picture', button: '' };
}
