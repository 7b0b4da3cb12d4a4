// Controls that show what is set, and set it: rows with a label, a hint, and a switch, a list or a field.

import { h } from './elements.js';

/** A person who is typing is not disturbed by what is read meanwhile. */
export const hasFocus = (element) => document.activeElement === element;

/**
 * Makers of controls whose names in `texts.js` begin with this prefix. `read` gives what they show, or `undefined` while it is
 * not known; `switches` gives of that what toggles show and `set` changes.
 */
export function controls(prefix, { state, ask }, { read, switches, set }) {
  /** How each control shows what is set. */
  const shows = [];
  /** A row with its words, its control, and how the control shows what is set. */
  const row = (name, control, show, { hint = true, around = control } = {}) => {
    const id = `${prefix}-${name}`;
    control.id = id;
    if (hint) control.setAttribute('aria-describedby', `${id}-hint`);
    shows.push(show);
    return h('div', { class: 'row' },
      h('div', {},
        h('label', { for: id, id: `${id}-label`, 'data-text': `${prefix}.${name}` }),
        hint && h('p', { class: 'hint', id: `${id}-hint`, 'data-text': `${prefix}.${name}Hint` })),
      around);
  };
  const toggle = (name) => {
    const control = h('button', { type: 'button', class: 'switch', role: 'switch',
      onclick: () => set({ [name]: control.getAttribute('aria-checked') !== 'true' }) }, h('span', {}));
    return row(name, control, (value) => control.setAttribute('aria-checked', String(switches(value)[name])));
  };
  const choice = (name, options, show, change, { hint = true } = {}) => {
    // A list that somebody has opened is left alone, until something else is set.
    let chosen = null;
    const control = h('select', { onchange: async () => {
      await change(control.value);
      // What was refused is not shown as chosen.
      chosen = null;
      state.draw();
    } }, options);
    return row(name, control, (found) => {
      const value = show(found);
      if (value === chosen) return;
      chosen = value;
      control.value = value;
    }, { hint });
  };
  const literal = (value) => h('option', { value }, value);
  const none = () => h('option', { value: '', 'data-text': 'settings.none' });
  /** A field that is set by Enter or by its button. */
  const field = (name, properties, show, change, { hint = true } = {}) => {
    const input = h('input', properties);
    const button = h('button', { type: 'submit', 'aria-describedby': `${prefix}-${name}-label`, 'data-text': 'settings.save' });
    const form = h('form', { class: 'field', onsubmit: (event) => { event.preventDefault(); change(input.value); } }, input, button);
    return row(name, input, (value) => { if (!hasFocus(input)) input.value = show(value); }, { hint, around: form });
  };

  /** Something that happens at once. It is asked again if it cannot be undone. */
  const happening = (name, style, action, { again = true } = {}) => {
    const button = h('button', { type: 'button', class: style, 'data-text': `${prefix}.${name}`,
      onclick: () => (again ? ask(button, action) : action()) });
    return h('div', { class: 'row' }, h('p', { class: 'hint', 'data-text': `${prefix}.${name}Hint` }), button);
  };

  state.addEventListener('change', () => {
    const value = read();
    if (value) shows.forEach((show) => show(value));
  });
  return { choice, field, happening, literal, none, shows, toggle };
}
