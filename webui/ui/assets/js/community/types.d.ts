// What the routes of the tab "Extensions" answer, for the checks alone: browsers never load this.

/** What to use in place of an extension; `opens` as "part:KEY", "tab:NAME", "cards:KIND", "script:TITLE", or "". */
interface NativeFeature {
  title: string;
  opens: string;
  sentence: string;
  needs_a1111: boolean;
}

interface HealthReport {
  name: string;
  seconds: Record<string, number>;
  runs: Record<string, number>;
  failures: { where: string; error: string; trace: string }[];
  missing: string[];
  dropped: string[];
  size_bytes: number;
}

/** One that comes along. */
interface ShippedExtension {
  name: string;
  /** Scripts without an extension, which somebody put into their folder. */
  is_own?: boolean;
  wanted: boolean;
  state: string;
  error: string;
  health: HealthReport | null;
}

/** One that was added. `distrust` is why its code is not run. */
interface CommunityExtension extends ShippedExtension {
  kind: string;
  url: string;
  branch: string;
  commit: string;
  committed: string;
  subject: string;
  is_pinned: boolean;
  is_checked: boolean;
  distrust: string;
  can_update: boolean;
  previous_commit: string | null;
  native: NativeFeature | null;
}

interface CommunityState {
  extensions: CommunityExtension[];
  shipped: ShippedExtension[];
  order: string[];
  refusal: string;
  needs_restart: boolean;
  is_frozen: boolean;
}

interface CodeReport {
  found: {
    kind: string;
    sentence: string;
    is_serious: boolean;
    count: number;
    places: { file: string; line: number; what: string }[];
  }[];
  packages: { name: string; wanted: string; file: string; line: number; remark: string }[];
  hosts: string[];
  python_files: number;
  script_files: number;
  other_files: number;
  is_whole: boolean;
}

interface InstallRecord {
  name: string;
  url: string;
  branch: string;
  commit: string;
  subject: string;
  committed: string;
  kinds: Record<string, number>;
}

interface StagedExtension {
  token: string;
  replaces: boolean;
  record: InstallRecord;
  was: InstallRecord | null;
  report: CodeReport;
  native: NativeFeature | null;
}

/** A line of the answer while something is fetched: one of these is there. */
interface StagingLine {
  progress?: string;
  native?: NativeFeature;
  staged?: StagedExtension;
  error?: string;
}

interface IndexEntry {
  name: string;
  url: string;
  description: string;
  tags: string[];
  added: string;
  created: string;
  updated: string;
  stars: number | null;
  native: NativeFeature | null;
}

interface ExtensionIndex {
  source: string;
  read: string;
  tags: Record<string, string>;
  extensions: IndexEntry[];
  left_out: number;
}

interface SetMember {
  name: string;
  url: string;
  branch: string;
  commit: string;
  enabled: boolean;
}

interface SetStep {
  member: SetMember;
  action: "install" | "switch" | "enable" | "disable" | "nothing" | "refuse";
  sentence: string;
}

interface AuditEntry {
  when: string;
  who: string;
  what: string;
  name: string;
  url: string;
  commit: string;
}

interface RemovedExtension {
  id: string;
  name: string;
  when: string;
}

/** What to fetch. */
interface WantedExtension {
  url: string;
  branch?: string;
  commit?: string;
}
