import {
  type Filter,
  type HostMessage,
  type Left,
  type Mark,
  type Numbers,
  noFilter,
  type Place,
  parsePageMessage,
  type Row,
} from '../../webview/host.ts';
import type { Link } from '../target/link.ts';
import type { LogClient } from '../target/log-client.ts';
import type { Snapshot } from '../target/snapshot.ts';
import type { NameOf } from '../views/app-names.ts';
import { t } from '../words.ts';
import { choicesOf } from './choices.ts';
import { createFeed } from './feed.ts';
import { createLeft } from './left.ts';
import { createMarks } from './marks.ts';
import { createNames } from './names.ts';
import { pageTexts } from './page-texts.ts';

/** How often the choices of the filters follow the live state while the page is visible. */
const choicesMs = 500;

type Notice = Extract<HostMessage, { type: 'notice' }>['notice'];

/** All rows of a filter, and the names of their runners and requests. */
export interface LogExport {
  rows(signal: AbortSignal): AsyncIterable<readonly Row[]>;
  namesOf(rows: readonly Row[]): Promise<Numbers>;
}

/** What differs between the places where a log page runs. */
export interface LogPlace {
  readonly link: Pick<Link, 'snapshot' | 'onChange' | 'client'>;
  /** How apps are called here, at this moment. */
  readonly appNames: () => NameOf;
  /** The log of the emulator; `undefined`: none is running. */
  readonly connect: () => LogClient | undefined;
  /** What is known about a request. */
  readonly request: (id: string) => Promise<{ readonly number: number | null } | undefined>;
  /** Sends a message to the page. */
  readonly post: (message: HostMessage) => void;
  /** A hidden page gets no messages; it asks again when it is shown. */
  readonly isVisible: () => boolean;
  readonly stored: {
    readonly left: { get(): unknown; set(left: Left): void };
    readonly marks: { get(): readonly Mark[]; set(marks: readonly Mark[]): void };
  };
  /** Why rows may be missing while no emulator is running or starting. */
  readonly notRunning: (snapshot: Snapshot) => NonNullable<Notice>;
  readonly problem: (error: unknown) => void;
  readonly openPlace: (place: Place) => Promise<void>;
  /** Shows a filter, as a command of the place does. */
  readonly show: (filter: Filter) => Promise<void>;
  readonly copy: (text: string) => Promise<void>;
  readonly save: (log: LogExport) => Promise<void>;
  readonly startEmulator: () => Promise<void>;
  readonly leave: () => Promise<void>;
}

/** Answers a log page: the same in the editor and in a browser. */
export function createPageHost(place: LogPlace) {
  const { link, connect } = place;
  const names = createNames(link, place.request);
  /** The page listens. */
  let isReady = false;
  let filter: Filter = noFilter;
  let sentChoices = '';
  let choosing: ReturnType<typeof setTimeout> | undefined;
  let refusal: string | null = null;

  const send = (message: HostMessage): void => {
    if (isReady && place.isVisible()) place.post(message);
  };
  const feed = createFeed({
    connect,
    send(message) {
      if (message.type !== 'rows') return send(message);
      const { numbers, unknown } = names.look(message.rows);
      send({ ...message, numbers });
      const ask = message.where === 'live' ? names.askLive : names.ask;
      void ask(unknown, (found) => send({ type: 'numbers', numbers: found })).catch(place.problem);
    },
    refused(why) {
      refusal = why;
      sendNotice();
    },
    failed(error) {
      refusal = t('The log cannot be read: {0}', error instanceof Error ? error.message : String(error));
      sendNotice();
    },
  });
  const marks = createMarks({
    link,
    stored: place.stored.marks,
    changed: (all) => send({ type: 'marks', marks: all }),
  });
  const left = createLeft(place.stored.left);

  function sendNotice(): void {
    send({ type: 'notice', notice: notice(link.snapshot()) });
  }

  function notice(snapshot: Snapshot): Notice {
    if (refusal !== null) return { text: refusal, canStart: false };
    if (snapshot.state === 'running') return null;
    if (snapshot.state === 'starting') return { text: t('The emulator is starting.'), canStart: false };
    return place.notRunning(snapshot);
  }

  function sendChoices(): void {
    clearTimeout(choosing);
    choosing = undefined;
    const { live, last } = link.snapshot();
    const choices = choicesOf(live ?? last, filter, place.appNames());
    const text = JSON.stringify(choices);
    if (text === sentChoices) return;
    sentChoices = text;
    send({ type: 'choices', choices });
  }

  const unsubscribe = link.onChange((now, before) => {
    if (now.state !== before.state || now.why !== before.why) sendNotice();
    if (!place.isVisible()) return;
    choosing ??= setTimeout(sendChoices, choicesMs);
    if (now.live && !before.live) {
      names.forget();
      feed.resume();
    }
  });

  return {
    /** What the page sent. @throws errors of what it asked for */
    async receive(value: unknown): Promise<void> {
      const message = parsePageMessage(value);
      switch (message?.type) {
        case 'ready':
          isReady = true;
          sentChoices = '';
          send({ type: 'start', texts: pageTexts(), ...left.next() });
          send({ type: 'marks', marks: marks.all() });
          sendNotice();
          break;
        case 'query':
          filter = message.filter;
          sendChoices();
          await feed.query(message.query, filter, message.at);
          break;
        case 'left':
          left.keep(message.left);
          break;
        case 'more':
          await feed.more(message.query, message.where, message.from);
          break;
        case 'findError':
          await feed.findError(message.query, message.where, message.from);
          break;
        case 'openPlace':
          await place.openPlace(message.place);
          break;
        case 'openRequest':
          await place.show({ ...noFilter, requestId: message.id, server: filter.server });
          break;
        case 'copy':
          await place.copy(message.text);
          break;
        case 'export': {
          const exported = filter;
          await place.save({ rows: (signal) => feed.all(exported, signal), namesOf: names.of });
          break;
        }
        case 'startEmulator':
          await place.startEmulator();
          break;
        case 'leave':
          await place.leave();
          break;
        case undefined:
          break;
      }
    },
    send,
    /** Shows a filter, at the end of the log (`null`) or at a row: in this page, otherwise in the next. */
    show(next: Filter, at: number | null): void {
      if (isReady && place.isVisible()) send({ type: 'filter', filter: next, at });
      else left.show(next, at);
    },
    /** Something that the notice depends on has changed. */
    refresh: sendNotice,
    /** Nobody looks at the page, but it stays. */
    pause: feed.pause,
    resume: feed.unpause,
    /** The page is gone or hidden: nothing is read until the next one is ready. */
    gone(): void {
      isReady = false;
      feed.stop();
    },
    close(): void {
      clearTimeout(choosing);
      feed.stop();
      marks.close();
      unsubscribe();
    },
  };
}
