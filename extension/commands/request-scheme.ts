/** Of the documents of requests. In a file of its own, because it is needed at activation. */
export const requestScheme = 'minifal-request';
