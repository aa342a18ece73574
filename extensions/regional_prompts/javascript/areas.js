// Which region each pixel of a picture belongs to. Nothing here knows of a page.

const UNDONE_STEPS = 30;

/** @typedef {[x: number, y: number]} Point in pixels */

/** Areas of at most 255 regions, counted from 1; 0 is nobody's. What is painted last has a pixel to itself. */
export class Areas {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.owners = new Uint8Array(width * height);
    /** @type {Uint8Array<ArrayBuffer>[]} */
    this.before = [];
  }

  /** Keeps what is painted now, for `undo`. */
  remember() {
    this.before.push(this.owners.slice());
    if (this.before.length > UNDONE_STEPS) this.before.shift();
  }

  /** Takes back what was painted since `remember` was called last; false where there is nothing to take back. */
  undo() {
    const before = this.before.pop();
    if (!before) return false;
    this.owners = before;
    return true;
  }

  /**
   * A stroke with a round brush.
   * @param {Point} from
   * @param {Point} to
   * @param {number} radius - in pixels
   * @param {number} region - 0 erases
   */
  paint([x0, y0], [x1, y1], radius, region) {
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = dx * dx + dy * dy;
    const [top, bottom] = [Math.min(y0, y1) - radius, Math.max(y0, y1) + radius];
    const [left, right] = [Math.min(x0, x1) - radius, Math.max(x0, x1) + radius];
    for (let row = Math.max(0, Math.floor(top)); row < Math.min(this.height, bottom); row += 1) {
      for (let column = Math.max(0, Math.floor(left)); column < Math.min(this.width, right); column += 1) {
        const [x, y] = [column + 0.5 - x0, row + 0.5 - y0];
        // The nearest point of the stroke.
        const along = length ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
        if (Math.hypot(x - along * dx, y - along * dy) <= radius) this.owners[row * this.width + column] = region;
      }
    }
  }

  /** Gives a region what is nobody's. @param {number} region */
  fill(region) {
    this.owners.forEach((owner, at) => owner || (this.owners[at] = region));
  }

  /** Nothing is painted any more. */
  clear() {
    this.owners = new Uint8Array(this.owners.length);
  }

  /** Leaves a region out; those behind it move up. @param {number} region */
  remove(region) {
    this.owners = this.owners.map((owner) => (owner === region ? 0 : owner > region ? owner - 1 : owner));
  }

  /** The highest number of a region that has an area; 0 where nothing is painted. */
  get last() {
    return this.owners.reduce((most, owner) => Math.max(most, owner), 0);
  }

  /**
   * A region's mask, white on black.
   * @param {number} region
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA of all pixels
   */
  mask(region) {
    const pixels = new Uint8ClampedArray(this.owners.length * 4);
    this.owners.forEach((owner, at) => pixels.set(owner === region ? [255, 255, 255, 255] : [0, 0, 0, 255], at * 4));
    return pixels;
  }

  /**
   * Gives a region what is bright in a mask of the same size.
   * @param {number} region
   * @param {Uint8ClampedArray} pixels - RGBA
   */
  take(region, pixels) {
    this.owners.forEach((_, at) => pixels[at * 4] > 127 && (this.owners[at] = region));
  }

  /** The middle of each region that has an area. @returns {Map<number, Point>} */
  middles() {
    const [x, y, count] = [new Float64Array(256), new Float64Array(256), new Uint32Array(256)];
    this.owners.forEach((owner, at) => {
      if (!owner) return;
      x[owner] += at % this.width;
      y[owner] += Math.floor(at / this.width);
      count[owner] += 1;
    });
    const regions = [...count.keys()].filter((region) => count[region]);
    return new Map(regions.map((region) => [region, [x[region] / count[region], y[region] / count[region]]]));
  }
}
