// Building elements. Nothing here or elsewhere on the page reads HTML from a text.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element with properties and children. Properties that begin with `on` are listeners; `class`, `aria-*`, `data-*` and
 * the like are attributes; the others are set on the element itself. `null`, `undefined` and `false` children are left out.
 */
export function h(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'class' || key.includes('-') || key === 'role' || key === 'for') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...present(children));
  return element;
}

/**
 * Puts these children in the place of all that an element has. The keyboard focus stays inside: on what has
 * the same words, or else on what stands in the same place.
 */
export function fill(element, ...children) {
  const reached = () => [...element.querySelectorAll('button, input, select, textarea, summary, [tabindex]')];
  const before = reached();
  const place = before.indexOf(document.activeElement);
  const { id, textContent: words } = before[place] ?? {};
  element.replaceChildren(...present(children));
  if (place < 0) return;
  const after = reached();
  const next = after.find((other) => other.id === id && other.textContent === words) ?? after[Math.min(place, after.length - 1)] ?? element;
  if (next === element) element.tabIndex = -1;
  next.focus({ preventScroll: true });
}

/** Has an element say these words. What it says already is left alone, with whatever somebody has marked in it. */
export function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** A heading with the words of this name, which `translate` writes. */
export function title(words) {
  return h('h3', { 'data-text': words });
}

/** A control below its label. */
export function labelled(control, words, style = 'stack') {
  return h('div', { class: style }, h('label', { for: control.id, 'data-text': words }), control);
}

/** A text whose invisible characters are written out: they could turn its order around, or hide a part of it. */
export function visible(words) {
  return words.replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

const PATHS = {
  finger: ['M7 6.5c3-2.7 7-2.7 10 0', 'M5 11c0-9 14-9 14 0 0 2 0 4-.5 6', 'M8 18c-.6-2-.7-4.5-.7-7 0-6 9.4-6 9.4 0 0 3 0 5-.8 8', 'M10.2 20c1-2.5.3-5.5.3-9 0-2 3-2 3 0 0 3.5.3 6-.7 9'],
  face: ['M4 8V5.5A1.5 1.5 0 0 1 5.5 4H8', 'M16 4h2.5A1.5 1.5 0 0 1 20 5.5V8', 'M20 16v2.5a1.5 1.5 0 0 1-1.5 1.5H16', 'M8 20H5.5A1.5 1.5 0 0 1 4 18.5V16', 'M9 9v1.5', 'M15 9v1.5', 'M12 9v4h-1', 'M9 16c1.8 1.3 4.2 1.3 6 0'],
  wrong: ['M6 6l12 12', 'M18 6L6 18'],
  good: ['M5 12.5l4.5 4.5L19 7.5'],
  lock: ['M7 11V8a5 5 0 0 1 10 0v3', 'M5.5 11h13v9h-13z', 'M12 14.5v2.5'],
  pay: ['M7 4l5 7 5-7', 'M12 11v9', 'M8 12.5h8', 'M8 16h8'],
};

/** An element of a drawing, with its attributes. */
export function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A line drawing; it says nothing to a screen reader, so the words must stand next to it. */
export function icon(name) {
  return svg('svg', { viewBox: '0 0 24 24', class: `icon icon-${name}`, 'aria-hidden': 'true', focusable: 'false' },
    ...PATHS[name].map((d) => svg('path', { d })));
}

/** Copies a text, also where the clipboard's own interface is missing (a page that is not on loopback or HTTPS). */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h('textarea', { value: text, class: 'visually-hidden', 'aria-hidden': 'true' });
    document.body.append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    return copied;
  }
}
