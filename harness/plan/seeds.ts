/** FNV-1a, 32 bits (draft-eastlake-fnv), finished with a murmur3 mix so that similar inputs differ in all bits. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A trial's seed depends only on the matrix's seed, the cell id and the trial number, so any trial can be repeated. */
export const trialSeed = (matrixSeed: number, cell: string, trial: number): number =>
  hash32(`${matrixSeed}|${cell}|${trial}`);
