import type * as vscode from 'vscode';
import { t } from '../words.ts';

/** A message of the Debug Adapter Protocol, as far as it is looked into here. */
export interface DapMessage extends vscode.DebugProtocolMessage {
  readonly seq: number;
  readonly type: string;
  /** Of requests and responses. */
  readonly command?: string;
  readonly arguments?: { readonly [name: string]: unknown };
  /** Of responses. */
  readonly request_seq?: number;
  /** Of events. */
  readonly event?: string;
  /** Of responses and events. */
  readonly body?: { readonly [name: string]: unknown };
}

const maxHeader = 4_096;

/** The messages in a stream of bytes, whatever its pieces are. @throws if it isn't one of the protocol */
export function createDapReader(): { read(piece: Buffer): readonly DapMessage[] } {
  let rest = Buffer.alloc(0);
  return {
    read(piece) {
      rest = Buffer.concat([rest, piece]);
      const messages: DapMessage[] = [];
      for (;;) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) {
          if (rest.length > maxHeader) throw broken();
          return messages;
        }
        const length = /^content-length: *(\d+)$/im.exec(rest.toString('latin1', 0, end))?.[1];
        if (length === undefined) throw broken();
        const [from, to] = [end + 4, end + 4 + Number(length)];
        if (rest.length < to) return messages;
        messages.push(JSON.parse(rest.toString('utf8', from, to)));
        rest = rest.subarray(to);
      }
    },
  };
}

const broken = () => new Error(t('The debug adapter sent something that is not of its protocol.'));

export function dapBytes(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}
