"""What the demo's report adds to the look of the reports."""

STYLE = """
main { max-width:1080px; }
.hero { display:grid; grid-template-columns:minmax(0,1.05fr) minmax(0,1fr); gap:34px; align-items:center;
  padding:26px 0 20px; }
.hero h1 { font-size:clamp(1.9rem,4.6vw,2.9rem); line-height:1.08; margin:0 0 14px; }
.hero p { font-size:1.04rem; } .eyebrow { color:var(--c1); font-weight:650; letter-spacing:.02em; margin:0 0 8px; }
.hero .figures { grid-template-columns:1fr 1fr; }
.film { box-shadow:0 18px 50px rgba(0,0,0,.18); } .film video { display:block; width:100%; background:#0d0f11; }
.film figcaption { padding:11px 15px 12px; } .film figcaption span { white-space:normal; }
.strip { display:flex; gap:3px; height:16px; margin:26px 0 10px; border-radius:9px; overflow:hidden; }
.strip a { background:currentColor; min-width:5px; } .strip a:hover { opacity:.75; }
section { margin-top:54px; scroll-margin-top:16px; }
section h2 { font-size:1.4rem; margin:0 0 12px; display:flex; align-items:center; gap:12px; }
.number { flex:none; width:32px; height:32px; border-radius:50%; display:grid; place-items:center; font-size:.95rem;
  background:var(--ink); color:var(--paper); font-variant-numeric:tabular-nums; }
.lead { display:grid; grid-template-columns:minmax(0,1fr) minmax(0,1fr); gap:12px 34px; margin-bottom:16px; }
.command { margin:2px 0 8px; padding:9px 13px; border-radius:9px; background:var(--card);
  border:1px solid var(--line); }
.command::before { content:"$ "; color:var(--soft); font:.88em ui-monospace,monospace; }
.pictures { display:grid; grid-template-columns:repeat(4,1fr); gap:12px; margin-top:14px; }
.pictures.single { grid-template-columns:minmax(0,760px); }
.pictures figcaption { padding:6px 11px 7px; color:var(--soft); font-size:.8rem; }
.pictures .photo { background:none; }
.pictures .photo .truth { stroke-dasharray:none; }
.shares { display:flex; gap:4px; border-radius:12px; overflow:hidden; margin:6px 0 0; }
.shares div { background:currentColor; padding:12px 14px; min-width:84px; display:grid; }
.shares b,.shares span { color:#fff; } .shares span { font-size:.82rem; opacity:.9; }
@media (prefers-color-scheme: dark) { .shares b,.shares span { color:#14171b; } }
section .card.scroll { margin:14px 0 6px; } section td,section th { text-align:left; }
section td:first-child { white-space:normal; }
.charts { margin-top:14px; }
.turn { background:var(--card); border:1px solid var(--line); border-radius:18px; padding:26px 28px; }
.turn h2 { margin-bottom:8px; }
@media (max-width:760px) { .hero,.lead { grid-template-columns:minmax(0,1fr); }
  .pictures { grid-template-columns:1fr 1fr; } .pictures.single { grid-template-columns:minmax(0,1fr); }
  .hero { padding-top:8px; gap:20px; } section { margin-top:42px; } .turn { padding:20px 18px; } }
"""
