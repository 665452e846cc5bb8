/** 2 GiB - 1: the limit of the SDK's channel in both directions (docs/platform/control-plane.md#channel). */
export const maxMessageBytes = 2 ** 31 - 1;
