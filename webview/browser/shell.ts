import { t } from '../../extension/words.ts';
import type { PageAction } from '../host.ts';
import type { SignedIn } from './session.ts';

/** What VS Code offers in the title of the pane. */
const actions = (): readonly (readonly [PageAction, string])[] => [
  ['previousError', t('Previous Error')],
  ['nextError', t('Next Error')],
  ['wrap', t('Wrap Lines')],
  ['server', t("Web Servers' Lines")],
  ['copy', t('Copy')],
  ['export', t('Export …')],
];

/** A page with its title, its commands, and a line of news. */
export function createShell(title: string) {
  let act: (action: PageAction) => void = () => undefined;
  document.title = `${title} · minifal`;
  const heading = element('h1', title);
  const toolbar = element('div');
  toolbar.setAttribute('role', 'toolbar');
  toolbar.setAttribute('aria-label', t('Commands'));
  for (const [action, label] of actions()) {
    const button = element('button', label);
    button.addEventListener('click', () => act(action));
    toolbar.append(button);
  }
  const status = element('span');
  status.setAttribute('role', 'status');
  const header = element('header');
  header.append(heading, status, toolbar);
  const root = element('main');
  root.className = 'page';
  document.body.replaceChildren(header, root);
  return {
    root,
    /** Replaces what the commands do, which is nothing at first. */
    setAct(next: typeof act): void {
      act = next;
    },
    say(text: string): void {
      status.textContent = text;
    },
  };
}

export type Shell = ReturnType<typeof createShell>;

/** In place of a page that may not ask the emulator. */
export function showLogin({ state }: SignedIn): void {
  document.title = t('Sign in · minifal');
  const main = element('main');
  main.className = 'prose';
  const why =
    state === 'refused'
      ? t('This address was opened before, or it is older than a minute.')
      : t('This page shows what your apps do, so it opens only from your own terminal.');
  main.append(element('h1', t('Open this page with minifal')), element('p', why));
  main.append(element('p', t('Run this, on the machine where the emulator runs:')), element('pre', 'minifal open'));
  if (location.protocol === 'https:')
    main.append(
      element(
        'p',
        t("minifal opens http addresses: browsers don't know the certificate of https ones and warn of it."),
      ),
    );
  document.body.replaceChildren(main);
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
