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
  let pieces: Buffer[] = [];
  let size = 0;
  /** With fewer bytes, no message can be complete: a value of many megabytes comes in a thousand pieces. */
  let needed = 0;
  return {
    read(piece) {
      pieces.push(piece);
      size += piece.length;
      if (size < needed) return [];
      let rest = Buffer.concat(pieces);
      const messages: DapMessage[] = [];
      for (;;) {
        const found = bodyIn(rest);
        if (!found || rest.length < found.to) {
          pieces = [rest];
          size = rest.length;
          needed = found?.to ?? 0;
          return messages;
        }
        messages.push(JSON.parse(rest.toString('utf8', found.from, found.to)));
        rest = rest.subarray(found.to);
      }
    },
  };
}

/** Where the body of the first message begins and ends; `undefined`: its header isn't there yet. */
function bodyIn(bytes: Buffer): { readonly from: number; readonly to: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    if (bytes.length > maxHeader) throw broken();
    return undefined;
  }
  const length = /^content-length: *(\d+)$/im.exec(bytes.toString('latin1', 0, end))?.[1];
  if (length === undefined) throw broken();
  return { from: end + 4, to: end + 4 + Number(length) };
}

const broken = () => new Error(t('The debug adapter sent something that is not of its protocol.'));

export function dapBytes(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}
