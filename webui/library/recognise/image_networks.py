"""Networks from picture to picture (upscalers, face restorers), identified by the names of their tensors.

The names are those of the papers' published code. spandrel, which runs these networks, tells them by more
names than these and by their shapes; but it needs torch, and a folder is scanned without.
"""

from webui.library.files.headers import Header

# What training programs put before every name.
COMMON_PREFIXES = ("module.", "netG.", "params_ema.", "params.", "model_g.", "vqvae.")
Keys = tuple[str, ...]

# A file is of an architecture if it has all keys of one of its sets; of several, of the first.
UPSCALERS: dict[str, tuple[Keys, ...]] = {
    "ESRGAN": (
        ("model.1.sub.0.RDB1.conv1.0.weight",),
        ("model.1.sub.0.RDB1.conv1x1.weight",),
        ("body.0.rdb1.conv1.weight", "conv_body.weight"),
        ("RRDB_trunk.0.RDB1.conv1.weight",),
    ),
    "HAT": (("relative_position_index_SA", "layers.0.residual_group.overlap_attn.qkv.weight"),),
    "ATD": (("relative_position_index_SA", "layers.0.residual_group.td"),),
    "DAT": (("before_RG.1.weight", "layers.0.blocks.0.attn.channel_interaction.1.weight"),),
    "RGT": (("before_RG.1.weight", "layers.0.blocks.0.gamma"),),
    "SRFormer": (("layers.0.residual_group.blocks.0.attn.aligned_relative_position_index",),),
    "Swin2SR": (("patch_embed.proj.weight", "layers.0.residual_group.blocks.0.attn.logit_scale"),),
    "SwinIR": (
        ("conv_first.weight", "layers.0.residual_group.blocks.0.attn.relative_position_index"),
        ("conv_first.1.weight", "layers.0.residual_group.blocks.0.attn.relative_position_index"),
    ),
    "ScuNET": (("m_head.0.weight", "m_tail.0.weight"),),
    "SPAN": (("conv_1.sk.weight", "conv_cat.weight"),),
    "OmniSR": (("residual_layer.0.residual_layer.0.layer.0.fn.0.weight", "input.weight"),),
    "PLKSR": (("feats.0.weight", "feats.1.refine.weight"),),
    "RealCUGAN": (("unet1.conv1.conv.0.weight", "unet2.conv1.conv.0.weight"),),
    "DRCT": (("conv_first.weight", "layers.0.swin1.norm1.weight"),),
    "SAFMN": (("to_feat.weight", "feats.0.safm.mfr.0.weight"),),
    "CRAFT": (("conv_first.weight", "layers.0.residual_group.hf_blocks.0.attn.temperature"),),
    "GRL": (
        ("conv_first.weight", "norm_start.weight", "norm_end.weight"),
        ("model.conv_first.weight", "model.norm_start.weight", "model.norm_end.weight"),
    ),
    "DITN": (("sft.weight", "UFONE.0.ITLs.0.attn.temperature"),),
    "MoSR": (("gblocks.0.weight", "gblocks.1.fc1.weight"),),
    "MoESR": (("in_to_dim.weight", "blocks.0.blocks.0.gamma"),),
    "FDAT": (("groups.0.blocks.0.attn.bias", "groups.0.blocks.0.inter.cg.1.weight"),),
    "RCAN": (("tail.1.weight", "body.0.body.0.body.3.conv_du.0.weight"),),
    "NAFNet": (("intro.weight", "ending.weight", "middle_blks.0.beta"),),
    "SeemoRe": (("conv_1.weight", "body.0.local_block.norm_1.weight"),),
    "SwiftSRGAN": (("initial.cnn.depthwise.weight", "final_conv.pointwise.weight"),),
    "DCTLSA": (("fea_conv.weight", "LR_conv.weight"),),
    "AuraSR": (("mid_block2.block1.proj.weights", "final_res_block.block1.proj.weights"),),
    "MMRealSR": (("de_net.conv_first.0.weight", "dd_embed.0.weight"),),
    "SAFMN BCIE": (("to_feat.1.weight", "feats.0.layers.0.safm.mfr.0.weight"),),
    # These clean pictures and leave their size.
    "FBCNN": (("m_head.weight", "m_tail.weight", "qf_pred.0.res.0.weight"),),
    "DRUNet": (("m_head.weight", "m_tail.weight", "m_down1.0.res.0.weight"),),
    "FFTformer": (("patch_embed.proj.weight", "encoder_level1.0.ffn.fft"),),
    "HVI-CIDNet": (("HV_LCA1.norm.weight", "HV_LCA1.ffn.temperature"),),
    "IPT": (("sub_mean.weight", "body.encoder.layers.0.self_attn.in_proj_weight"),),
    "KBNet": (
        ("intro.weight", "ending.weight", "middle_blks.0.attgamma"),
        ("patch_embed.proj.weight", "latent.0.ffn.qkv.weight", "refinement.0.attn.dwconv.0.weight"),
    ),
    "MixDehazeNet": (("patch_embed.proj.weight", "layer1.blocks.0.conv3_19.weight"),),
    "RetinexFormer": (("body.0.estimator.conv1.weight", "body.0.denoiser.embedding.weight"),),
    "Uformer": (("input_proj.proj.0.weight", "output_proj.proj.0.weight", "conv.blocks.0.norm1.weight"),),
    "LaMa": (
        ("model.model.1.ffc.convl2l.weight", "model.model.1.bn_l.running_mean"),
        ("generator.model.1.ffc.convl2l.weight", "generator.model.1.bn_l.running_mean"),
    ),
    "DnCNN": (
        ("model.0.weight", "model.2.weight", "model.4.weight", "model.10.weight", "model.14.weight"),
        ("model.0.weight", "model.2.weight", "model.3.running_mean", "model.5.weight"),
    ),
    # Its names are short, so it comes last.
    "Compact": (("body.0.weight", "body.1.weight"),),
}
FACE_RESTORERS: dict[str, tuple[Keys, ...]] = {
    "GFPGAN": (("toRGB.0.weight", "stylegan_decoder.style_mlp.1.weight"),),
    "CodeFormer": (("position_emb", "quantize.embedding.weight", "encoder.blocks.0.weight"),),
    "RestoreFormer": (
        (
            "quantize.embedding.weight",
            "encoder.conv_in.weight",
            "quant_conv.weight",
            "decoder.conv_out.weight",
            "decoder.mid.attn_1.norm2.weight",
        ),
    ),
    "GPEN": (("ecd0.0.0.weight", "final_linear.0.weight", "generator.style.1.weight"),),
}
# What can be told of these, and not done with them.
NOT_RUN = {
    "LaMa": "It fills masked areas and does not enlarge. Choose an upscaler.",
    "GPEN": "GPEN cannot be run here yet. Use GFPGAN or CodeFormer.",
}
# RetinaFace (Deng et al. 2020): heads for classes, boxes and the five landmarks.
FACE_DETECTOR: Keys = (
    "ClassHead.0.conv1x1.weight",
    "BboxHead.0.conv1x1.weight",
    "LandmarkHead.0.conv1x1.weight",
)
# Networks that find depth, poses, edges or things; their authors' names. YOLO's number of layers varies.
DETECTORS: dict[str, tuple[Keys, ...]] = {
    "face parser": (
        ("cp.resnet.conv1.weight", "conv_out.conv_out.weight"),
        ("encoder.0.conv2d.weight", "out_mask_conv.conv2d.weight"),
    ),
    "Segment Anything": (("mask_decoder.iou_token.weight",), ("sam_mask_decoder.iou_token.weight",)),
    "depth": (
        ("pretrained.cls_token", "depth_head.scratch.output_conv1.weight"),
        ("pretrained.model.cls_token", "scratch.refinenet1.out_conv.weight"),
        ("pretrained.layer1.0.weight", "scratch.refinenet1.out_conv.weight"),
        ("core.core.pretrained.model.cls_token", "conv2.weight"),
        ("backbone.embeddings.cls_token", "neck.fusion_stage.layers.0.projection.weight"),
        ("dpt.embeddings.cls_token", "neck.fusion_stage.layers.0.projection.weight"),
        ("depth_model.encoder_modules.encoder.conv1.weight",),
        ("depth_model.module.encoder_modules.encoder.conv1.weight",),
    ),
    "normal map": (("encoder.original_model.conv_stem.weight", "decoder.conv2.weight"),),
    "segmentation": (
        ("decode_head.conv_seg.weight", "backbone.patch_embed1.proj.weight"),
        ("sem_seg_head.predictor.query_embed.weight",),
        ("model.transformer_module.queries_embedder.weight", "model.task_encoder.task_mlp.layers.0.0.weight"),
        ("decode_head.psp_modules.0.1.conv.weight", "decode_head.classifier.weight"),
    ),
    "object": (("transformer.level_embed", "bbox_embed.0.layers.0.weight"),),
    "OpenPose": (
        ("conv1_1.weight", "Mconv7_stage6_L1.weight"),
        ("model0.conv1_1.weight", "model6_1.Mconv7_stage6_L1.weight"),
        ("conv1_1.weight", "Mconv7_stage6.weight"),
    ),
    "edge": (
        ("norm", "block1.convs.0.weight", "block5.projection.weight"),
        ("netVggOne.0.weight", "netCombine.0.weight"),
        ("moduleVggOne.0.weight", "moduleCombine.0.weight"),
        ("model0.1.weight", "model1.0.weight", "model4.1.weight"),
        ("init_block.conv.weight", "block1_1.conv1.weight", "conv_reduces.0.conv.weight"),
        ("block_1.conv1.weight", "dblock_1.denselayer1.conv1.weight"),
        ("block0.0.model.0.weight", "block1.0.model.0.weight"),
        ("model.model.0.weight", "model.model.1.model.1.weight"),
        ("model.0.weight", "model.1.model.1.weight"),
    ),
    "line": (("backbone.features.0.0.weight", "block15.conv1.0.weight"),),
    # Networks that describe a picture in words.
    "tagger": (
        ("patch_embed.proj.weight", "layers.0.blocks.0.attn.logit_scale", "head.fc.weight"),
        ("patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "head.weight"),
        ("stem.0.weight", "stages.0.blocks.0.conv_dw.weight", "head.fc.weight"),
        ("n_Conv_0.weight",),
    ),
    "caption": (
        ("visual_encoder.cls_token", "text_decoder.bert.embeddings.word_embeddings.weight"),
        ("vision_model.embeddings.class_embedding", "text_decoder.bert.embeddings.word_embeddings.weight"),
        ("query_tokens", "qformer.layernorm.weight"),
        ("vision_tower.convs.0.proj.weight", "language_model.model.shared.weight"),
    ),
}
YOLO_END = ".dfl.conv.weight"
# First convolutions of further upscalers, known to newer versions of spandrel.
FIRST_CONVS = (
    "model.0.weight",
    "conv_first.weight",
    "body.0.weight",
    "m_head.0.weight",
    "head.0.weight",
    "to_feat.weight",
)


def plain_names(names: frozenset[str]) -> frozenset[str]:
    """The names without what a training program put before all of them."""
    for prefix in COMMON_PREFIXES:
        if names and all(name.startswith(prefix) for name in names):
            names = frozenset(name[len(prefix) :] for name in names)
    return names


def architecture(header: Header, table: dict[str, tuple[Keys, ...]]) -> str | None:
    """The first architecture of a table that a file has the names of."""
    names = plain_names(frozenset(header.tensors))
    return next(
        (name for name, sets in table.items() if any(names.issuperset(keys) for keys in sets)),
        None,
    )


def picture_architecture(header: Header) -> str | None:
    """The architecture of an upscaler or face restorer; None for everything else."""
    return architecture(header, FACE_RESTORERS) or architecture(header, UPSCALERS)


def is_upscaler(header: Header) -> bool:
    """A known upscaler, or one whose first convolution takes 1 or 3 (or unshuffled 12, 48) colours."""
    if architecture(header, UPSCALERS) is not None:
        return True
    shape = next((shape for key in FIRST_CONVS if (shape := header.shape(key))), None)
    return shape is not None and len(shape) == 4 and shape[1] in {1, 3, 12, 48}


def is_face_restorer(header: Header) -> bool:
    """GFPGAN, CodeFormer or RestoreFormer."""
    return architecture(header, FACE_RESTORERS) is not None


def detector_name(header: Header) -> str | None:
    """What a detector finds or is called, None for everything else."""
    if any(key.endswith(YOLO_END) for key in header.tensors):
        return "YOLO"
    return architecture(header, DETECTORS)


def why_not_run(header: Header) -> str | None:
    """Why a network of pictures cannot be run, None if it can."""
    return NOT_RUN.get(picture_architecture(header) or "")


def is_face_detector(header: Header) -> bool:
    """RetinaFace, which A1111 keeps as detection_Resnet50_Final.pth."""
    return plain_names(frozenset(header.tensors)).issuperset(FACE_DETECTOR)
