/** Of the documents that name causes. In a file of its own, because it is needed at activation. */
export const whyScheme = 'minifal-why';
