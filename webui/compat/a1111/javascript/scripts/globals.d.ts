// What these scripts use of the page, for the checks alone: browsers never load this.

interface AtelierHost {
  splitList(list: string): string[];
  translate(selector: string): string;
  loosen(selector: string): string | null;
  findAll(root: ParentNode, selector: string): NodeListOf<HTMLElement>;
  find(selector: string): any;
  adopt<Found extends Element | null | undefined>(element: Found, within?: ParentNode | Found): Found;
  make(tag: string, properties?: Record<string, any>, ...children: (Node | string)[]): any;
  address(path: string): string;
  preparations: (() => void)[];
  /** Functions that one of these scripts gives to the others. */
  [name: string]: any;
}

interface Window {
  /** The page's own functions; see webui/ui/assets/js/page.d.ts. */
  webui: any;
  atelier: any;
  gradio_config?: { root?: string; components?: any[]; layout?: any; late_parts?: any[] };
  opts: Record<string, any>;
  localization: Record<string, string>;
  hosted_version: string;
}
