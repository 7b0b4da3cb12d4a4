// The page's words in the language that was chosen, and the choice.

import { CHINESE } from './chinese.js';
import { ENGLISH } from './english.js';

const LANGUAGES = { en: ENGLISH, zh: CHINESE };
const KEPT = 'soter-sim.language';

/** The language that was chosen here before, or else the browser's. */
function first() {
  const chosen = remembered(KEPT);
  if (chosen in LANGUAGES) return chosen;
  return navigator.languages.find((name) => /^(zh|en)\b/.test(name))?.startsWith('zh') ? 'zh' : 'en';
}

let language = first();

/** The text of this name, with these values in it. */
export function text(name, values = {}) {
  return LANGUAGES[language][name].replace(/\{(\w+)\}/g, (_, value) => String(values[value]));
}

/** The language that is spoken: `en` or `zh`. */
export function spoken() {
  return language;
}

/** A moment in milliseconds since 1970 as this language writes it: the time of day alone, or all of it. */
export function moment(at, isWhole = false) {
  // Days before months, and hours up to 24, in English too.
  const locale = language === 'zh' ? languageTag() : 'en-GB';
  return isWhole ? new Date(at).toLocaleString(locale) : new Date(at).toLocaleTimeString(locale);
}

/** Speaks another language from now on, here and when the page is loaded again. */
export function speak(name) {
  language = name;
  remember(KEPT, name);
  translate();
}

/** Puts the words into everything that the document itself says. */
export function translate() {
  document.documentElement.lang = languageTag();
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', text(element.dataset.label));
  }
}

/** What was kept under a name; `null` where a browser keeps nothing. */
export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a value for the next visit, if the browser does. */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Private windows may refuse; the choice holds until the page is closed.
  }
}

/** The tag of the language that is spoken, as documents have it in `lang`, and the server in `?lang=`. */
export function languageTag() {
  return language === 'zh' ? 'zh-CN' : 'en';
}

/** What an object of the server says, with `lang`, the language that it says it in. */
export function withLang(object) {
  const words = Object.values(object).filter((value) => typeof value === 'string').join(' ');
  return { ...object, lang: /\p{Script=Han}/u.test(words) ? 'zh-CN' : 'en' };
}
