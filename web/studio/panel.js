// The figures below the picture: three charts and a line of text, once a second.

import { byId, setText } from '../app.dom.js';
import { createChart } from './chart.js';
import { SAMPLE_MS, bitrateText, lossText, pictureText, readFigures, rttText, withSample } from './stats.js';

/** @typedef {import('./stats.js').Figures} Figures */

/** @type {Figures} */
const NOTHING = { bitrate: null, received: null, loss: null, rtt: null, size: '', fps: null, codec: '', limit: '', layers: [] };

/** @param {Figures['layers'][number]} layer */
const layerText = ({ rid, size, bitrate, fps }) => `${size || `layer ${rid}`} · ${bitrate ? bitrateText(bitrate) : 'paused'}${fps && bitrate ? ` · ${fps} fps` : ''}`;

/**
 * @param {{ pc(): RTCPeerConnection | null, onFigures(figures: Figures): void, least?: number }} options
 *   `pc`: the connection that is up, null while there is none; `least`: the smallest top of the bit rate's scale
 */
export function createPanel({ pc: current, onFigures, least = 500_000 }) {
  const figures = byId('figures', HTMLElement);
  const text = byId('pictureText', HTMLElement);
  const bitrate = createChart({ title: 'Bit rate', id: 'bitrate', least, format: bitrateText });
  const loss = createChart({ title: 'Packet loss', id: 'loss', least: 2, format: (value) => `${value} %` });
  const rtt = createChart({ title: 'Round trip', id: 'rtt', least: 20, format: (value) => `${value} ms` });
  byId('charts', HTMLElement).append(bitrate.element, loss.element, rtt.element);

  /** @type {Figures[]} */ let history = [];
  /** @type {RTCPeerConnection | null} */ let pc = null;
  /** @type {Record<string, any>[]} */ let before = [];
  let timer = 0;

  function render() {
    const now = history[history.length - 1] ?? NOTHING;
    // Which layers there were, so that one that is paused keeps its colour and its line.
    const rids = [...new Set(history.flatMap(({ layers }) => layers.map(({ rid }) => rid)))];
    const rates = (/** @type {string} */ rid) => history.map(({ layers }) => layers.find((layer) => layer.rid === rid)?.bitrate ?? null);
    const several = rids.length > 1;
    bitrate.show(
      several ? rids.map((rid) => ({ name: rid, values: rates(rid) })) : [{ name: 'all', values: history.map((item) => item.bitrate) }],
      bitrateText(now.bitrate),
      several ? rids.map((rid) => layerText(now.layers.find((layer) => layer.rid === rid) ?? { rid, size: '', bitrate: null, fps: null })) : []
    );
    loss.show([{ name: 'all', values: history.map((item) => item.loss) }], lossText(now.loss));
    rtt.show([{ name: 'all', values: history.map((item) => item.rtt) }], rttText(now.rtt));
    setText(text, pictureText(now) || (history.length > 0 ? 'No picture at present' : ''));
  }

  async function sample() {
    const asked = current();
    /** @type {Record<string, any>[]} */
    let entries = [];
    try {
      if (asked) entries = [...(await asked.getStats()).values()];
    } catch {
      // Closed in between.
    }
    if (!timer) return;
    if (asked !== pc) before = [];
    pc = asked;
    const read = entries.length > 0 ? readFigures(entries, before) : NOTHING;
    before = entries;
    // Empty charts say nothing: they come with the first connection, and stay while it is restored.
    if (!asked && history.length === 0) return;
    history = withSample(history, read);
    figures.hidden = false;
    render();
    onFigures(read);
  }

  return {
    start() {
      window.clearInterval(timer);
      history = [];
      before = [];
      pc = null;
      timer = window.setInterval(() => void sample(), SAMPLE_MS);
      figures.hidden = true;
    },

    stop() {
      window.clearInterval(timer);
      timer = 0;
      figures.hidden = true;
    }
  };
}
