/**
 * With the value `1`, a direct call of the owner for `GET …/openapi.json` isn't in the list of requests nor in figures:
 * the editor reads what an app describes, and the app's developer has called nothing. It makes no runner busy that is
 * ready, nor keeps one alive. With the value `ready`, it fails at once if no runner is ready. Like all `x-fal-` headers
 * of callers, it doesn't reach the app.
 */
export const unlistedHeader = 'x-fal-minifal-unlisted';
