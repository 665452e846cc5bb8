// The only module that knows the component toolkit (test/unit/webview.test.ts): it is not maintained any more, so a
// page must not notice when it is replaced. Components are made by functions, and found by role and label.
import {
  type Button,
  type Dropdown,
  type Option,
  provideVSCodeDesignSystem,
  type TextField,
  vsCodeButton,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit/dist/toolkit.min.js';

/** Not the toolkit's own prefix, which its successor uses, too. */
const prefix = 'fal-ui';

provideVSCodeDesignSystem()
  .withPrefix(prefix)
  .register(vsCodeButton(), vsCodeDropdown(), vsCodeOption(), vsCodeTextField());

export interface Control<T> {
  readonly element: HTMLElement;
  /** Doesn't call `onChange`. */
  set(value: T): void;
}

export function button(label: string, onPress: () => void): HTMLElement {
  const element = make<Button>('button');
  element.appearance = 'secondary';
  element.textContent = label;
  element.addEventListener('click', onPress);
  return element;
}

interface SelectChoice {
  readonly value: string;
  readonly label: string;
}

/** Its choices may change at any time. While it is open, a person looks at those that it has. */
export function select(
  label: string,
  onChange: (value: string) => void,
): Control<string> & { setChoices(choices: readonly SelectChoice[], value: string): void } {
  const element = make<Dropdown>('dropdown');
  element.setAttribute('aria-label', label);
  let all: readonly SelectChoice[] = [];
  let shown = '';
  let wanted = '';

  function show(choices: readonly SelectChoice[]): void {
    const next = JSON.stringify(choices);
    if (next !== shown) {
      shown = next;
      element.replaceChildren(
        ...choices.map((choice) => {
          const option = make<Option>('option');
          option.value = choice.value;
          option.textContent = choice.label;
          return option;
        }),
      );
      // Once the component has noticed them, it selects the one at the former place.
      queueMicrotask(() => {
        element.value = wanted;
      });
    }
    element.value = wanted;
  }

  // As in the editor's own lists, Escape and a click elsewhere leave the choice to which a person has gone: before the
  // component closes its list, which takes that choice.
  const leave = () => {
    if (element.open) element.value = wanted;
  };
  element.addEventListener('keydown', ({ key }) => key === 'Escape' && leave(), { capture: true });
  element.addEventListener('focusout', leave, { capture: true });
  // The component reports no change by a key back to the choice that it had when it was opened last.
  for (const event of ['change', 'keyup', 'click']) {
    element.addEventListener(event, () => {
      if (element.open) return;
      const isNew = element.value !== wanted;
      wanted = element.value;
      // Choices that came while it was open.
      show(all);
      if (isNew) onChange(wanted);
    });
  }
  // Before a click: a list that changes within one doesn't open.
  for (const event of ['pointerenter', 'focusin']) element.addEventListener(event, () => element.open || show(all));
  return {
    element,
    set(value) {
      wanted = value;
      element.value = value;
    },
    setChoices(choices, value) {
      all = choices;
      wanted = value;
      if (element.open) return;
      // Under load, requests change twice a second, and each choice is a component of its own.
      const isUsed = element.matches(':hover, :focus-within');
      show(isUsed ? choices : choices.filter((choice) => choice.value === value));
    },
  };
}

export function textField(label: string, hint: string, onChange: (value: string) => void): Control<string> {
  const element = make<TextField>('text-field');
  const name = () => element.ariaLabel === label || element.setAttribute('aria-label', label);
  name();
  // When it becomes a part of the document, the toolkit replaces the label by "Text field".
  new MutationObserver(name).observe(element, { attributeFilter: ['aria-label'] });
  element.placeholder = hint;
  element.addEventListener('input', () => onChange(element.value));
  return {
    element,
    set(value) {
      element.value = value;
    },
  };
}

function make<T extends HTMLElement>(name: string): T {
  return document.createElement(`${prefix}-${name}`) as T;
}
