// Finding elements by the selectors that A1111's extensions know. Gradio 6 draws some of them in other shapes: a selector
// is tried together with what it means here. `gradioApp()` and what it finds translate, and so does the document where a
// script of an extension asks it.
//
// All files of this folder are classic scripts in one global scope with every extension's. What is not a name of
// A1111's hides in `atelierHost`, so that no name of an extension meets one of ours.

/** @type {AtelierHost} */
var atelierHost = (() => {
  const MOST_ALTERNATIVES = 32;
  // More elements than these are not made to translate what is looked for within them.
  const MOST_ADOPTED = 200;
  /**
   * A pattern in a selector, and what may stand there instead. Each adds alternatives; the first way stays.
   * @type {[RegExp, string][]}
   */
  const RULES = [
    // The box of a text lies one element deeper.
    [/label\s*>\s*(textarea|input)/g, "label $1"],
    // Gradio's tabs: a hidden copy of the strip, which only measures, comes first.
    [/\s*>\s*\.tab-nav/g, " > .tab-wrapper > .tab-container:not(.visually-hidden)"],
    [/(^|\s)\.tab-nav/g, "$1.tab-container:not(.visually-hidden)"],
    // Inline styles say more than whether something is shown.
    [/\[style=(["'])([^"';]*);?\1\]/g, "[style*=$1$2$1]"],
    [/\.\\+!ring-2/g, ".selected"],
    [/\.gallery-item\b/g, ".thumbnail-item"],
    // Galleries: the large view is no longer a div, and each small picture lies in a box of its own.
    [/\bdiv\.preview\b/g, ".preview"],
    [/(\.grid-container)\s*>\s*(?=button|\.thumbnail-item)/g, "$1 > .gallery-item > "],
    [/\.gr-button-primary\b/g, ".primary"],
    [/\.gr-button(?!-)\b/g, ".gradio-button"],
    [/#(txt2img|img2img)_extra_networks\b/g, "#$1_extra_tabs"],
    // The buttons below a gallery stand in their row itself.
    [/(#image_buttons_\w+)\s*>\s*\.form(?![\w-])/g, "$1"],
    // Cards lie beside the fields, behind the strip of their tabs.
    [/(_extra_(?:tabs|networks))\s+(?![>~+])/g, "$1 ~ .generation-columns > .cards-page "],
    // Seeds are texts here: they may be longer than a number's field takes.
    [/(_(?:sub)?seed)(\s+(?:[\w>]+\s+)*)input\[type=["']?number["']?\]/g, "$1$2input"],
    [/\[aria-label=(["'])Remove Image\1\]/g, "[aria-label=$1Clear$1]"],
    [/\[aria-label=(["'])Clear\1\]/g, "[aria-label=$1Remove Image$1]"],
    [/#script_list(?![\w-])(?:\s+(?:input|select))?/g, "select[id$='_script_list']"],
    // A1111 has an arrow of that name in either tab.
    [/#paste(?![\w-])/g, "#img2img_paste"],
    // ControlNet's accordion and its units: see 90_bridges.js.
    [/#(txt2img|img2img)_controlnet_ControlNet(?:-(\d))?_input_image(?![\w-])/g, "#$1_controlnet_bridge-$2"],
    [/#(txt2img|img2img)_controlnet_ControlNet-(\d)_controlnet_same_img2img_checkbox(?![\w-])/g, "#$1_controlnet_bridge-$2_same"],
    [/_controlnet_bridge-(?=[^\d]|$)/g, "_controlnet_bridge-0"],
    [/#(txt2img|img2img)_controlnet(?![\w-])/g, "#$1_controlnet_bridge"],
    [/#controlnet(?![\w-])/g, ".controlnet-bridge"],
    [/#settings\s*>\s*\.tab-nav\s*>\s*button/g, "#settings_sections a"],
    [/\.input-accordion-checkbox/g, ".accordion-tick input"],
    [/\.gradio-accordion(?![\w-])/g, ".input-accordion"],
    [/\.label-wrap\s*>\s*span(?![\w-])/g, ".label-wrap .accordion-tick span"],
    [/\.label-wrap\s+span\s+input/g, ".label-wrap input"],
    [/\[class\^=(["'])svelte\1\]/g, "[class*=$1svelte$1]"],
    // The mark of a version of a component, beside something that says more.
    [/(?<=[\w\])])\.svelte-[\da-z]+/g, ""],
  ];
  const translations = /** @type {Map<string, string>} */ (new Map());
  /** @typedef {Pick<ParentNode, "querySelector" | "querySelectorAll">} Finders */
  const findersOf = (/** @type {Finders} */ { querySelector, querySelectorAll }) => ({ querySelector, querySelectorAll });
  const ofDocument = findersOf(Document.prototype);
  const ofElement = findersOf(Element.prototype);

  /**
   * The selectors of a list, divided at the commas that stand in no brackets and no quotes.
   * @param {string} list
   */
  function splitList(list) {
    const parts = [];
    let depth = 0;
    let quote = "";
    let begun = 0;
    for (let at = 0; at < list.length; at++) {
      const letter = list[at];
      if (letter === "\\") at++;
      else if (quote) quote = letter === quote ? "" : quote;
      else if (letter === '"' || letter === "'") quote = letter;
      else if ("([".includes(letter)) depth++;
      else if (")]".includes(letter)) depth--;
      else if (letter === "," && depth === 0) {
        parts.push(list.slice(begun, at));
        begun = at + 1;
      }
    }
    return [...parts, list.slice(begun)].map((part) => part.trim());
  }

  /** @param {string} selector one that is no list */
  function alternativesOf(selector) {
    const found = new Set([selector]);
    for (const [pattern, meant] of RULES) {
      for (const known of [...found]) {
        if (found.size < MOST_ALTERNATIVES) found.add(known.replace(pattern, meant));
      }
    }
    return [...found];
  }

  /**
   * A selector with all that it may mean here.
   * @param {string} selector
   */
  function translate(selector) {
    const known = translations.get(selector);
    if (known !== undefined) return known;
    const made = splitList(selector).flatMap(alternativesOf).join(", ");
    translations.set(selector, made);
    return made;
  }

  /**
   * The same without the number and kind of elements on the way, for what is drawn with more or fewer of them; null where
   * there is nothing to leave out.
   * @param {string} selector
   */
  function loosen(selector) {
    const loose = selector
      .replace(/:nth-(?:last-)?(?:child|of-type)\([^)]*\)/g, "")
      .replace(/\s*>\s*(?:div|span|label)(?=\s*(?:>|\s|$))/g, "")
      .replace(/\s*>\s*/g, " ");
    return loose !== selector && /^#[\w-]+ /.test(loose) ? loose : null;
  }

  const alternatives = /** @type {Map<string, string[]>} */ (new Map());

  /**
   * The selectors that one may mean here, each by itself: browsers find one that names an id at once, and walk through the
   * whole page for a list.
   * @param {string} selector
   */
  function listMeanings(selector) {
    let known = alternatives.get(selector);
    if (!known) alternatives.set(selector, (known = splitList(translate(selector))));
    return known;
  }

  /**
   * Asks the browser's own finders, for what may be written in A1111's way.
   * @template Found
   * @param {ParentNode} root
   * @param {string} selector
   * @param {(finders: Finders, meanings: string[]) => Found} look told the finders and all that the selector may mean
   * @param {(found: Found) => boolean} isEmpty
   * @returns {Found} Throws as browsers do for what is no selector.
   */
  function ask(root, selector, look, isEmpty) {
    const finders = root instanceof Document ? ofDocument : ofElement;
    const asked = String(selector);
    let found;
    try {
      found = look(finders, listMeanings(asked));
    } catch {
      return look(finders, [asked]);
    }
    const loose = isEmpty(found) ? loosen(asked) : null;
    return loose ? look(finders, listMeanings(loose)) : found;
  }

  /**
   * All elements within another that a selector means.
   * @param {ParentNode} root
   * @param {string} selector
   * @returns {NodeListOf<HTMLElement>}
   */
  function findAll(root, selector) {
    const all = (/** @type {Finders} */ finders, /** @type {string[]} */ meanings) => {
      const several = meanings.map((each) => finders.querySelectorAll.call(root, each));
      const found = several.filter((each) => each.length);
      // In the order of the page, and each once.
      const list = found.length > 1 ? finders.querySelectorAll.call(root, meanings.join(", ")) : (found[0] ?? several[0]);
      return /** @type {NodeListOf<HTMLElement>} */ (list);
    };
    return ask(root, selector, all, (found) => found.length === 0);
  }

  /**
   * The first element within another that a selector means, or null.
   * @param {ParentNode} root
   * @param {string} selector
   * @returns {HTMLElement | null}
   */
  function findFirst(root, selector) {
    const first = (/** @type {Finders} */ finders, /** @type {string[]} */ meanings) => {
      let found = /** @type {HTMLElement | null} */ (null);
      for (const each of meanings) {
        const element = /** @type {HTMLElement | null} */ (finders.querySelector.call(root, each));
        const isBefore = element && found && element.compareDocumentPosition(found) & Node.DOCUMENT_POSITION_FOLLOWING;
        if (!found || isBefore) found = element ?? found;
      }
      return found;
    };
    return ask(root, selector, first, (found) => !found);
  }

  const adopted = new WeakSet();

  /**
   * Lets an element, its own properties only, find by A1111's selectors too: within itself, or within another.
   * @template {Element | null | undefined} Found
   * @param {Found} element
   * @param {ParentNode | Found} [within]
   * @returns {Found}
   */
  function adopt(element, within = element) {
    if (!element || adopted.has(element)) return element;
    adopted.add(element);
    const give = (/** @type {string} */ name, /** @type {unknown} */ value) =>
      Object.defineProperty(element, name, { value, configurable: true, writable: true });
    give("querySelector", (/** @type {string} */ selector) => adopt(findFirst(within ?? document, selector)));
    give("querySelectorAll", (/** @type {string} */ selector) => {
      const found = findAll(within ?? document, selector);
      if (found.length <= MOST_ADOPTED) found.forEach((each) => adopt(each));
      return found;
    });
    return element;
  }

  /**
   * The first element of the page that a selector means, or null.
   * @param {string} selector
   * @returns {any} an element of the kind that the caller knows
   */
  function find(selector) {
    return findFirst(document, selector);
  }

  /**
   * An element with properties and children.
   * @param {string} tag
   * @param {Record<string, any>} [properties] names with a dash, and role, are attributes
   * @param {...(Node | string)} children
   * @returns {any}
   */
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.includes("-") || name === "role") element.setAttribute(name, value);
      else Reflect.set(element, name, value);
    }
    element.append(...children);
    return element;
  }

  /**
   * An address of this server, also where a proxy offers it below a path.
   * @param {string} path
   */
  function address(path) {
    const root = window.gradio_config?.root || document.baseURI;
    return new URL(path, root.endsWith("/") ? root : `${root}/`).href;
  }

  /** Whether it is an extension's script that calls. */
  function isExtensionCalling() {
    return (new Error().stack ?? "").includes("/file=");
  }

  // Ids that elements of our own have too, with another inside than A1111's.
  const DOUBLES = /controlnet/;

  /**
   * Lets the document answer extensions' scripts as `gradioApp()` does, where it has nothing by the selector as it is. All
   * other scripts are answered as ever.
   */
  function answerOnDocument() {
    const { querySelector, querySelectorAll, getElementById } = Document.prototype;
    const isFine = (/** @type {boolean} */ isFound, /** @type {unknown} */ asked) => (isFound && !DOUBLES.test(String(asked))) || !isExtensionCalling();
    /** @type {Record<string, (asked: string) => unknown>} */
    const finders = {
      querySelector: (asked) => {
        const found = querySelector.call(document, asked);
        return isFine(Boolean(found), asked) ? found : adopt(find(asked));
      },
      querySelectorAll: (asked) => {
        const found = querySelectorAll.call(document, asked);
        return isFine(found.length > 0, asked) ? found : findAll(document, asked);
      },
      getElementById: (asked) => {
        const found = getElementById.call(document, asked);
        return isFine(Boolean(found), asked) ? found : adopt(find(`#${CSS.escape(asked)}`));
      },
    };
    for (const [name, value] of Object.entries(finders)) Object.defineProperty(document, name, { value, configurable: true, writable: true });
  }

  /**
   * Lets every element answer extensions' scripts so, where it has nothing by the selector as it is: what a script reaches
   * by `children`, `parentElement` or an event was never adopted. Most selectors mean themselves and cost nothing.
   */
  function answerOnElements() {
    const isOther = (/** @type {unknown} */ asked) => translate(String(asked)) !== String(asked) && isExtensionCalling();
    /** @type {Record<string, (this: Element, asked: string) => unknown>} */
    const finders = {
      querySelector(asked) {
        const found = ofElement.querySelector.call(this, asked);
        return found || !isOther(asked) ? found : adopt(findFirst(this, asked));
      },
      querySelectorAll(asked) {
        const found = ofElement.querySelectorAll.call(this, asked);
        return found.length || !isOther(asked) ? found : findAll(this, asked);
      },
    };
    for (const [name, value] of Object.entries(finders)) Object.defineProperty(Element.prototype, name, { value, configurable: true, writable: true });
  }

  answerOnDocument();
  answerOnElements();
  return { splitList, translate, loosen, findAll, find, adopt, make, address, preparations: [] };
})();

/** The element that holds the page; it finds by A1111's selectors, and has `getElementById` as a document has. */
function gradioApp() {
  const app = /** @type {any} */ (document.querySelector("gradio-app") ?? document.body ?? document.documentElement);
  if (!app.getElementById) {
    // Some of it, such as the large view of a picture, lies beside that element.
    atelierHost.adopt(app, document);
    app.getElementById = (/** @type {string} */ id) => {
      const found = document.getElementById(id) ?? atelierHost.find(`#${CSS.escape(id)}`);
      return atelierHost.adopt(found);
    };
  }
  return app;
}
