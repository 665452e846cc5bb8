/** Of the documents about starts of runners. In a file of its own, because it is needed at activation. */
export const startScheme = 'minifal-start';
