// Small line charts: the last minute, one line per series, the present value in words beside the title.

import { create, setText } from '../app.dom.js';
import { HISTORY } from './stats.js';

/**
 * @typedef {{ name: string, values: (number | null)[] }} Series oldest value first; null leaves a gap
 * @typedef {{ title: string, id: string, least: number, format(value: number): string }} ChartOptions
 *   `least`: the smallest top of the scale, so that noise does not fill the picture
 */

export const WIDTH = 240;
export const HEIGHT = 72;
const SVG = 'http://www.w3.org/2000/svg';

/**
 * The top of a scale: 1, 2 or 5 times a power of ten.
 * @param {(number | null)[]} values
 * @param {number} least
 */
export function niceTop(values, least) {
  const top = values.reduce((/** @type {number} */ highest, value) => Math.max(highest, value ?? 0), least);
  const power = 10 ** Math.floor(Math.log10(top));
  return (/** @type {number[]} */ ([1, 2, 5, 10]).find((step) => step * power >= top * (1 - 1e-9)) ?? 10) * power;
}

/**
 * The newest value stands at the right edge; older ones one step further left each.
 * @param {(number | null)[]} values
 * @param {number} top
 */
export function pathOf(values, top) {
  const step = WIDTH / (HISTORY - 1);
  const shown = values.slice(-HISTORY);
  let path = '';
  let drawing = false;
  shown.forEach((value, index) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const x = (WIDTH - (shown.length - 1 - index) * step).toFixed(1);
    const y = (HEIGHT * (1 - Math.min(1, Math.max(0, value / top)))).toFixed(1);
    path += `${drawing ? 'L' : 'M'}${x} ${y}`;
    // A lone value would be invisible without a length.
    if (!drawing && (shown[index + 1] ?? null) === null) path += 'h.1';
    drawing = true;
  });
  return path;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** @param {ChartOptions} options */
export function createChart({ title, id, least, format }) {
  const figure = create('figure', 'chart');
  figure.id = id;
  const caption = create('figcaption', 'chart-head');
  const value = create('strong', 'chart-value', '–');
  caption.append(create('span', 'chart-title', title), value);

  const plot = create('div', 'chart-plot');
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' });
  for (const share of [0, 0.5, 1]) picture.append(svg('path', { class: 'chart-grid', d: `M0 ${HEIGHT * share}H${WIDTH}` }));
  const top = create('span', 'chart-scale');
  top.ariaHidden = 'true';
  plot.append(picture, top);
  const legend = create('ul', 'chart-legend');
  figure.append(caption, plot, legend);
  /** @type {Map<string, SVGElement>} */
  const lines = new Map();

  return {
    element: figure,

    /**
     * @param {Series[]} series
     * @param {string} now the present value
     * @param {string[]} [labels] one per series, if there are several
     */
    show(series, now, labels = []) {
      const scale = niceTop(series.flatMap(({ values }) => values), least);
      setText(value, now);
      setText(top, format(scale));
      const names = new Set(series.map(({ name }) => name));
      for (const [name, line] of lines) {
        if (names.has(name)) continue;
        line.remove();
        lines.delete(name);
      }
      series.forEach(({ name, values }, index) => {
        let line = lines.get(name);
        if (!line) {
          line = /** @type {SVGElement} */ (svg('path', {}));
          lines.set(name, line);
          picture.append(line);
        }
        line.setAttribute('class', `chart-line series-${index + 1}`);
        line.setAttribute('d', pathOf(values, scale));
      });
      while (legend.childElementCount > labels.length) legend.lastElementChild?.remove();
      labels.forEach((label, index) => {
        const item = legend.children[index] ?? legend.appendChild(create('li', `series-${index + 1}`));
        setText(item, label);
      });
      legend.hidden = labels.length === 0;
    }
  };
}
