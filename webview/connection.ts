import type { PageMessage } from './host.ts';

/** A page's door to its host: an editor's webview, or a document in a browser. */
export interface Connection {
  /** What the page fills. */
  readonly root: HTMLElement;
  send(message: PageMessage): void;
  /** What the host sends, not parsed yet. */
  onMessage(listener: (value: unknown) => void): void;
}

declare function acquireVsCodeApi(): { postMessage(message: PageMessage): void };

let given: Connection | undefined;

/** The pages that are loaded after this run in that host. Without it, they run in the editor. */
export function runIn(connection: Connection): void {
  given = connection;
}

export function connect(): Connection {
  return given ?? editor();
}

function editor(): Connection {
  const api = acquireVsCodeApi();
  return {
    root: document.body,
    send: (message) => api.postMessage(message),
    onMessage: (listener) => window.addEventListener('message', ({ data }) => listener(data)),
  };
}
