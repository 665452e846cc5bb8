/** Where the SDK's apps serve by default (docs/platform/runner-process.md#shapes-of-a-callable). */
export const defaultPort = 8080;
/** Where they serve their metrics. */
export const defaultMetricsPort = 9090;
