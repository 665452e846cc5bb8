import { urlToHttpOptions } from 'node:url';
import { networkOf } from '../local/network/addresses.ts';

/** Whether the text is a valid webhook URL. The addresses of its host are checked when it is called. */
export function isWebhookUrl(text: string): boolean {
  try {
    // Parse it the way the call does: a user name or password with invalid percent-encoding is valid in a URL, but
    // can't be sent.
    const { protocol, hostname } = urlToHttpOptions(new URL(text));
    return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
  } catch {
    return false;
  }
}

/**
 * Whether a webhook may be sent to this IP address (without brackets): never into private networks
 * (docs/platform/gateway.md#webhooks). differs: loopback is allowed, because a developer's receiver usually runs on the
 * same machine.
 */
export function mayBeCalled(address: string): boolean {
  return networkOf(address) !== 'private';
}
