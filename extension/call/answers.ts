import * as vscode from 'vscode';
import { Cancelled } from '../problem.ts';
import type { Link } from '../target/link.ts';
import { askRequest } from '../target/requests.ts';
import { t } from '../words.ts';
import { answerName, callScheme, fileEnding, formatAddress, parseAddress } from './address.ts';
import { type CallFacts, createBody, headLine, type ShownBody } from './answer-text.ts';
import { isOpen } from './columns.ts';
import type { CallRequest } from './documents.ts';
import { createFirstDraw } from './first-draw.ts';
import { isUnfinished, type PastCall, unfinished } from './history.ts';
import { tryParse } from './json.ts';
import { surplus } from './kept-answers.ts';
import { type Medium, mediaIn, nameFor } from './media.ts';
import { type CallOrder, runCall } from './run-call.ts';

/** The latest call of a request document, and what came of it. */
export interface Answer {
  /** Of the document that shows it. */
  readonly uri: vscode.Uri;
  readonly request: CallRequest;
  /** The URI of the request's document; `null`: only this one shows it. */
  readonly document: string | null;
  readonly method: string;
  readonly mode: CallOrder['mode'];
  readonly isRunning: boolean;
  /** In one line. */
  readonly head: string;
  readonly body: ShownBody;
  readonly requestId: string | null;
  /** The app and the encoded path without its query; `null`: it isn't sent yet. */
  readonly sentTo: { readonly alias: string; readonly path: string } | null;
  readonly media: readonly Medium[];
  /** The body if it is a file. */
  readonly file: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  cancel(): void;
}

/** How often an answer that is streamed is drawn. */
const redrawMs = 150;

/** The answers that this window shows: one document for each request document, replaced by its next call. */
export function createAnswers(deps: {
  readonly link: Link;
  readonly changed: (uri: vscode.Uri) => void;
  /** Stores a call that has ended. */
  readonly keep: (call: PastCall) => void;
}) {
  const { link, changed, keep } = deps;
  const answers = new Map<string, Answer>();
  /** Of the documents whose calls run. */
  const firstDraws = new Map<string, ReturnType<typeof createFirstDraw>>();

  /** A document for answers to requests like this one, which no other one that is known or open has. */
  function newUri({ address }: CallRequest, method: string): vscode.Uri {
    const name = answerName(address, method);
    for (let number = 1; ; number++) {
      const path = `/${name}${number === 1 ? '' : ` ${number}`}${fileEnding}`;
      const uri = vscode.Uri.from({ scheme: callScheme, authority: 'answer', path });
      if (!answers.has(uri.toString()) && !isOpen(uri.toString())) return uri;
    }
  }

  function put(answer: Answer): void {
    const key = answer.uri.toString();
    answers.delete(key);
    answers.set(key, answer);
    for (const old of surplus(answers)) answers.delete(old);
    changed(answer.uri);
  }

  /**
   * Sends a request, and shows in `uri` what comes of it. `prepare` says where to send it; its input may differ from
   * the document's (uploaded files). Resolves when the call has ended; errors are shown as the answer.
   */
  async function call(
    uri: vscode.Uri,
    what: Pick<Answer, 'request' | 'document' | 'method' | 'mode'>,
    prepare: (signal: AbortSignal) => Promise<CallOrder>,
  ): Promise<Answer> {
    answers.get(uri.toString())?.cancel();
    const stop = new AbortController();
    let at = Date.now();
    let isFollowed = false;
    let body = createBody('');
    let answer: Answer = {
      ...what,
      uri,
      isRunning: true,
      head: t('starting'),
      body: { text: '', language: 'json' },
      requestId: null,
      sentTo: null,
      media: [],
      file: undefined,
      cancel: () => stop.abort(new Cancelled()),
    };
    const isCurrent = () => answers.get(uri.toString()) === answer;
    const update = (more: Partial<Answer>): void => {
      const shown = isCurrent();
      answer = { ...answer, ...more };
      if (shown) put(answer);
    };
    let drawing: NodeJS.Timeout | undefined;
    const firstDraw = createFirstDraw(Date.now);
    firstDraws.set(uri.toString(), firstDraw);
    const draw = (): void => {
      drawing ??= setTimeout(() => {
        drawing = undefined;
        if (firstDraw.left() > 0) draw();
        else update({ body: body.shown() });
      }, redrawMs);
    };
    put(answer);
    let end: { readonly status?: number; readonly note?: string; readonly text?: string };
    try {
      const order = await orAborted(prepare(stop.signal), stop.signal);
      at = order.queued?.at ?? Date.now();
      isFollowed = order.queued !== undefined;
      update({ sentTo: { alias: order.target.alias, path: order.path.split('?', 1)[0] ?? '' } });
      // After a reload of the window, a queued one is followed again, and of another one the document says what became.
      if (!isFollowed) keep(pastCall({ ...answer, head: unfinished[what.mode] }, at, null));
      const status = await runCall(
        order,
        {
          note: (head) => update({ head }),
          sent(requestId) {
            update({ requestId });
            if (!isFollowed) keep(pastCall({ ...answer, head: unfinished[what.mode] }, at, null));
          },
          body: (one) => {
            body = one;
            firstDraw.begin();
          },
          more: () => body.isLive && draw(),
        },
        stop.signal,
      );
      end = { status };
    } catch (error) {
      end =
        error instanceof Cancelled ? { note: t('cancelled') } : { note: t('no answer'), text: `${messageOf(error)}\n` };
    }
    clearTimeout(drawing);
    if (firstDraws.get(uri.toString()) === firstDraw) firstDraws.delete(uri.toString());
    const ms = Date.now() - at;
    const head = headLine(await factsOf(answer.requestId, ms, end));
    const shown = body.shown();
    const file = body.file();
    const value = body.value();
    update({
      isRunning: false,
      head,
      body: {
        ...shown,
        text: end.text ? shown.text + end.text : shown.text,
        ...(end.text ? { language: 'plaintext' } : {}),
      },
      media: value === undefined ? [] : mediaIn(value),
      file: file && { name: nameFor(file.contentType), bytes: file.bytes },
    });
    // If the emulator can't be asked now, the request may still get its answer.
    if (end.text === undefined || !isFollowed) keep(pastCall(answer, at, end.status ?? null));
    return answer;
  }

  async function factsOf(id: string | null, ms: number, end: Pick<CallFacts, 'note'> & { readonly status?: number }) {
    const known = id === null ? undefined : await askRequest(link.folder, id);
    const { submittedAt, completedAt = null } = known ?? {};
    const facts: CallFacts = {
      status: end.status,
      // The same figure as in the lists; it has no end yet if the call was given up here.
      ms: submittedAt === undefined || completedAt === null ? ms : completedAt - submittedAt,
      coldMs: known?.coldMs ?? null,
      runner: known?.history.at(-1)?.runner.number ?? null,
      number: known?.number ?? null,
      error: known?.exception ?? null,
      ...(end.note === undefined ? {} : { note: end.note }),
    };
    return facts;
  }

  return {
    newUri,
    call,
    get: (uri: string): Answer | undefined => answers.get(uri),
    all: (): readonly Answer[] => [...answers.values()],
    /** The editor has asked for the lenses of this document. */
    lensesAsked: (uri: string): void => firstDraws.get(uri)?.lensesAsked(),
    /** Shows a call of the history again. */
    restore(past: PastCall, uri: vscode.Uri): Answer | undefined {
      const address = parseAddress(past.address);
      if (!address) return undefined;
      const { method, mode, requestId, input, document } = past;
      const isLost = isUnfinished(past);
      const head = isLost && mode === 'direct' ? t('no answer') : past.head;
      const body = isLost && mode === 'direct' ? windowClosed() : past.body;
      const value = body.language === 'json' ? tryParse(body.text) : undefined;
      const answer: Answer = {
        ...{ uri, document, method, mode, head, body, requestId },
        request: { address, input },
        isRunning: false,
        sentTo: null,
        media: value === undefined ? [] : mediaIn(value),
        file: undefined,
        cancel: () => undefined,
      };
      answers.set(uri.toString(), answer);
      return answer;
    },
  };
}

function windowClosed(): ShownBody {
  const sentence = t('The window was closed before the answer came. A request in the queue would keep its answer.');
  return { text: `${sentence}\n`, language: 'plaintext' };
}

export type Answers = ReturnType<typeof createAnswers>;

function pastCall(answer: Answer, at: number, status: number | null): PastCall {
  const { uri, request, document, method, mode, head, body, requestId } = answer;
  const { address, input } = request;
  return {
    at,
    address: formatAddress(address),
    method,
    mode,
    input,
    answer: uri.toString(),
    document,
    status,
    head,
    requestId,
    body,
  };
}

/** Doesn't wait for steps that can't be aborted, such as the start of the emulator. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
