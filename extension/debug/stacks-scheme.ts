/** The scheme of documents that say what a runner does. */
export const stacksScheme = 'fal-stacks';
