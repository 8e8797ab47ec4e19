"""Names of Douyin's messages that say nothing of comments, joins, likes, gifts, follows and viewers."""

from __future__ import annotations

_SUBJECTS = (  # noqa: SIM905 (a hundred quoted names would say the same)
    # the room, its notices and decorations
    "ActivityEmojiGroups AssetEffectUtil Asset AudienceEntrance AudioBGImg AudioChat BackupSEI BindingGift "
    "BrokerNotify ChatLike CommonDot CommonToast CornerReach CustomizedCard DataLifeLive DecorationUpdate "
    "DoubleLikeTopUser ExhibitionChat FeedbackCard GiftIconFlash GiftSort GiftVote GroupLiveContainerChange "
    "GrowthTask HotChat HotRoom ImDelete InRoomBanner InRoomBannerRefresh InteractEffect InteractOpenAppStatus "
    "LightGift LowPcuGuide Notice NotifyEffect Portal PrivilegeScreenChat PrizeNotice ProfitInteractionScore "
    "PullStreamUpdate QuizAudienceStatus RankListAward RanklistHourEntrance ResidentGuest RoomAuth RoomDataSync "
    "RoomIntro Room RoomNotify RoomRank RoomStats RoomStreamAdaptation RoomVerify SandwichBorder ScreenChat Stamp "
    "SunDailyRank SunDailyRegionRank SyncStream TempStateAreaReach Toast TopEffect UpdateFanTicket "
    "UserPrivilegeChange VisibilityRangeChange "
    # shopping, lotteries, games
    "Commerce GameAncAudEntrance GameCPAnchorPromoteInfo GameCPBase GameCPUserDownload GameStatus LiveEcom "
    "LiveEcomGeneral LiveShopping LotteryDrawResultEvent LotteryEventNew LuckyBox LuckyBoxEnd LuckyBoxReward "
    "LuckyBoxTempStatus ProductChange ProfitGameStatus ShelfTradeData "
    # several anchors at once
    "BattleEffectContainer BattleEndPunish BattleMultiMatch BattlePowerContainer BattleSeasonPKResult "
    "BattleTeamTask KTVPlayModeStart KTVSingerHotRankPos KTVUserSingingHot Ktv Link LinkMicAudienceKtv "
    "LinkMicGuide LinkMicPosition LinkMicSendEmoji LinkSettingNotify LinkerContribute LinkmicEcology "
    "LinkmicEnlargeGuest LinkmicOrderSing LinkmicOrderSingScore LinkmicPlayModeUpdateScore LinkmicPlaymode "
    "LinkmicProfit LinkmicTeamfight"
).split()

IGNORED = frozenset(
    {
        *(f"Webcast{subject}Message" for subject in _SUBJECTS),
        "LinkMicMethod",
        "WebcastDecorationModifyMethod",
        "WebcastHighlightComment",
        "WebcastLinkMicArmiesMethod",
        "WebcastLinkMicBattleFinishMethod",
        "WebcastLinkMicBattleMethod",
        "WebcastLinkMicMethod",
        "WebcastLowPcuGuideMessage0",
    }
)
