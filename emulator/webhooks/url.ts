import { urlToHttpOptions } from 'node:url';
import { networkOf } from '../local/network/addresses.ts';

/** Whether a text can be a webhook at all. Where its name leads is looked at when it is called. */
export function isWebhookUrl(text: string): boolean {
  try {
    // As the call itself will take it apart: a name or password of broken percent-encoding parses as a URL, but can't
    // be sent.
    const { protocol, hostname } = urlToHttpOptions(new URL(text));
    return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
  } catch {
    return false;
  }
}

/**
 * Whether a webhook may be sent to this IP address (without brackets): never into private networks
 * (docs/platform/gateway.md#webhooks). differs: loopback is allowed, because on a developer's machine the receiver is
 * there.
 */
export function mayBeCalled(address: string): boolean {
  return networkOf(address) !== 'private';
}
