/** 2 GiB - 1: what the SDK's channel allows both ways (control-plane-grpc.md §2.1). */
export const largestMessageBytes = 2 ** 31 - 1;
